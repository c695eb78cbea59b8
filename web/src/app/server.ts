/** The server that this page came from. */

import { Api } from "../client";

// The session's cookie goes along by itself.
export const api = new Api(new URL(".", document.baseURI).href);
