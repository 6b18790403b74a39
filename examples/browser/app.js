// A page with a sign-in and the user's photos. All of Goptri is in the calls of `goptri`.
import { createClient } from './goptri.js';
import { api, authServer } from './config.js';

const mode = new URLSearchParams(location.search).get('mode') === 'bearer' ? 'bearer' : 'cookie';
const goptri = createClient({ authServer, api, mode });

const find = (selector) => document.querySelector(selector);
const form = find('#sign-in');

/** Calls `action`, and shows in plain words why it failed. */
async function attempt(section, action) {
  const error = find(`${section} .error`);
  error.hidden = true;
  try {
    return await action();
  } catch (failure) {
    error.textContent = sentence(failure);
    error.hidden = false;
  }
}

function sentence(failure) {
  if (failure instanceof TypeError || failure.code === 'network') {
    return 'The server cannot be reached. Check your connection and try again.';
  }
  if (failure.retryAfter) return `The service is busy. Try again in ${failure.retryAfter} seconds.`;
  if (failure.code === 'invalid_credentials') return 'That e-mail and password do not match. Try again.';
  return failure.message;
}

/** Fails with the API's own sentence. */
async function checked(response) {
  if (response.ok) return response;
  const { error_description } = await response.json().catch(() => ({}));
  throw new Error(error_description ?? 'That did not work. Try again.');
}

let shown = 0;

/** Shows the page of the user, or the sign-in. Of overlapping calls, the last decides. */
async function show() {
  const call = ++shown;
  const user = await attempt('#signed-out', () => goptri.currentUser());
  if (call !== shown) return;
  const before = !find('#signed-in').hidden;
  find('#signed-in').hidden = !user;
  find('#signed-out').hidden = Boolean(user);
  find('#user').hidden = !user;
  find('#user').textContent = user ? `Signed in as ${user.email}` : '';
  document.title = `${user ? 'Your photos' : 'Sign in'} – Goptri example`;
  if (user) await showPhotos();
  if (before !== Boolean(user)) find(user ? '#signed-in h1' : '#signed-out h1').focus();
}

async function showPhotos() {
  await attempt('#signed-in', async () => {
    const response = await checked(await goptri.fetch('/photos'));
    const { photos } = await response.json();
    find('#empty').hidden = photos.length > 0;
    find('#photos').replaceChildren(...photos.map(({ name }) => item(name)));
  });
}

function item(name) {
  const image = document.createElement('img');
  image.alt = name;
  goptri
    .fetch(`/photos/${name}`)
    .then(async (response) => {
      image.onload = () => URL.revokeObjectURL(image.src);
      image.src = URL.createObjectURL(await (await checked(response)).blob());
    })
    .catch(() => {});
  const remove = document.createElement('button');
  remove.className = 'quiet';
  remove.textContent = 'Delete';
  remove.ariaLabel = `Delete ${name}`;
  remove.onclick = () =>
    attempt('#signed-in', async () => {
      await checked(await goptri.fetch(`/photos/${name}`, { method: 'DELETE' }));
      await showPhotos();
      find('#signed-in h1').focus();
    });
  const row = document.createElement('li');
  row.append(image, remove);
  return row;
}

async function register(credentials) {
  const response = await fetch(`${authServer}/users`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(credentials),
  });
  await checked(response);
}

form.onsubmit = async (event) => {
  event.preventDefault();
  const { email, password, remember } = form.elements;
  const buttons = form.querySelectorAll('button');
  for (const button of buttons) button.disabled = true;
  const credentials = { email: email.value, password: password.value };
  await attempt('#signed-out', async () => {
    if (event.submitter.value === 'register') await register(credentials);
    await goptri.signIn({ ...credentials, remember: remember.checked });
    form.reset();
    password.type = 'password';
  });
  for (const button of buttons) button.disabled = false;
};

form.elements.show.onchange = ({ target }) => {
  form.elements.password.type = target.checked ? 'text' : 'password';
};

find('#file').onchange = ({ target }) =>
  attempt('#signed-in', async () => {
    const [file] = target.files;
    if (!file) return;
    const name = file.name.replace(/[^A-Za-z0-9._-]/g, '-').replace(/^[^A-Za-z0-9]+/, '').slice(-100) || 'photo';
    await checked(await goptri.fetch(`/photos/${name}`, { method: 'PUT', body: file }));
    target.value = '';
    await showPhotos();
  });

find('#sign-out').onclick = () => attempt('#signed-in', () => goptri.signOut());
find('#sign-out-everywhere').onclick = () => attempt('#signed-in', () => goptri.signOut({ everywhere: true }));

// In this tab or another.
goptri.onChange((change) => {
  find('#news').textContent = change === 'signed-in' ? 'You are signed in.' : 'You are signed out.';
  show();
});

const other = document.createElement('a');
other.href = mode === 'cookie' ? '?mode=bearer' : '?';
other.textContent = mode === 'cookie' ? 'Use tokens in local storage instead' : 'Use cookies instead';
find('#mode').append(mode === 'cookie' ? 'The session is in cookies. ' : 'The session is in local storage. ', other);
find('#remember').hidden = mode !== 'cookie';

show();
