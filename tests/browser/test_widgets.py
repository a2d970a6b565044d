"""Small widgets of our own in a bare page, with a model that only holds a value."""

from playwright.sync_api import Browser

from labkit.lesson.status import Status

# For each value that follows the first: the words that were put into the page for it.
TOLD = """async ([script, values]) => {
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const { render } = (await import(url)).default;
  const model = { get: () => model.value, on: (_, changed) => (model.changed = changed), value: values[0] };
  render({ model, el: document.body });
  const region = document.querySelector("[role=status]");
  const watch = new MutationObserver(() => {});
  watch.observe(region, { childList: true, subtree: true, characterData: true });
  const told = values.slice(1).map((value) => {
    model.value = value;
    model.changed();
    return watch.takeRecords().flatMap((one) => [...one.addedNodes].map((node) => node.textContent)).join();
  });
  return { told, atomic: region.ariaAtomic, left: region.innerHTML };
}"""


def test_a_status_tells_what_is_new_and_no_more(browser: Browser) -> None:
    one, two, other = "<p>one</p>", "<p>two</p>", "<p>another <b>one</b></p>"
    page = browser.new_page()
    found = page.evaluate(TOLD, [Status()._esm, [one, one + two, other, "", one]])
    page.close()
    assert found == {"told": ["two", "another one", "", "one"], "atomic": "false", "left": one}
