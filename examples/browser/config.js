// Where the servers are. `cargo dev` serves its own addresses instead of this file.
export const authServer = 'http://localhost:4000';
export const api = 'http://localhost:3000';
