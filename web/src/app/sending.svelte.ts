/** The person's own camera, as the shell knows of it: the page that sends it need not be open. */

class Sending {
  /** The stream that the camera is sent to; "" while it is not. */
  stream = $state("");
}

export const sending = new Sending();
