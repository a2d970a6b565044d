"""What a model costs: parameters, FLOPs, memory, time. By formula, by counting, by measuring on this machine; tests
hold them to each other. The formulas, which this package hands out, need no torch."""

from labkit.cost.formulas import FORMULAS as FORMULAS
from labkit.cost.formulas import executed_flops as executed_flops
from labkit.cost.formulas import flops_per_image as flops_per_image
from labkit.cost.formulas import kept_bytes as kept_bytes
from labkit.cost.formulas import model_flops as model_flops
from labkit.cost.formulas import parameter_count as parameter_count
from labkit.cost.formulas import peak_bytes as peak_bytes
from labkit.cost.formulas import train_flops as train_flops
from labkit.cost.shapes import Shape as Shape
from labkit.cost.shapes import published as published
from labkit.cost.shapes import shape_of as shape_of
from labkit.cost.vit import attention_flops as attention_flops
