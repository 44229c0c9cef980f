"""What a person would paste."""


def pasted(page):
    """Returns the text of the clipboard, by pasting it: the product's pages aren't allowed to read it."""
    page.evaluate("() => document.body.append(Object.assign(document.createElement('textarea'), {id: 'pasted'}))")
    field = page.locator("#pasted")
    field.press("Control+v")
    text = field.input_value()
    field.evaluate("(one) => one.remove()")
    return text
