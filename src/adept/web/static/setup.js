// The secret behind the # of the set-up link goes into the form, and out of the address and the history.
"use strict";

const secret = location.hash.slice(1);
const field = document.getElementById("field-secret");
if (secret) {
  field.value = secret;
  history.replaceState(null, "", location.pathname);
}
if (field.value && !field.classList.contains("is-invalid")) field.closest(".field").hidden = true;
