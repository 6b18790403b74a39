// Improves the pages. Each works without it.
'use strict';

// A switch that shows the password. The field is hidden again when the form is sent, so that the browser stores it as a
// password.
for (const input of document.querySelectorAll('input[data-show]')) {
  const toggle = document.createElement('button');
  const show = (shown) => {
    input.type = shown ? 'text' : 'password';
    toggle.textContent = shown ? input.dataset.hide : input.dataset.show;
    toggle.setAttribute('aria-label', shown ? input.dataset.hideName : input.dataset.showName);
  };
  toggle.type = 'button';
  toggle.setAttribute('aria-controls', input.id);
  toggle.addEventListener('click', () => show(input.type === 'password'));
  input.form.addEventListener('submit', () => show(false));
  show(false);
  input.after(toggle);
}

// A form is sent once. The buttons are disabled after the browser has read which one was clicked. They are enabled again
// when the user comes back to the page, and after a while: a redirect to a program on the device leaves the page open.
const enable = (enabled) => {
  for (const button of document.querySelectorAll('form button')) button.disabled = !enabled;
};
document.addEventListener('submit', () => {
  setTimeout(enable, 0, false);
  setTimeout(enable, 10_000, true);
});
addEventListener('pageshow', () => enable(true));

document.getElementById('problem')?.focus();
document.querySelector('form[data-at-once]')?.requestSubmit();
