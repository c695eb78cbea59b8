/** The server that this page came from. */

import { connect } from "../client";

// The session's cookie goes along by itself.
export const client = connect({ url: new URL(".", document.baseURI) });
export const api = client.api;
