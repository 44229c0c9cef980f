// How html-validate judges the pages: by its strictest preset, but for what stands here with its reason.
export default {
  root: true,
  extends: ["html-validate:recommended"],
  rules: {
    // Both spellings are right, and ours is the small one.
    "doctype-style": ["error", { style: "lowercase" }],
    // A list may have a name: ARIA allows it, and screen readers read it out.
    "aria-label-misuse": ["error", { allowAnyNamable: true }],
    // Off: several fields of one name are how a form without a script sends several values. The boxes of a list's rows are
    // `ids`, and hidden fields carry every filter of a list along, as in status=Failed&status=Cancelled. That no two fields for
    // typing or choosing share a name is looked at in rules.py.
    "form-dup-name": "off",
    // Off: a note is shown as it came, with the blanks at the ends of its lines; and the others come from templates and cost nothing.
    "no-trailing-whitespace": "off",
  },
};
