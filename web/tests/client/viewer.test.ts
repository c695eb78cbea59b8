import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Api } from "../../src/client/api";
import { ApiError } from "../../src/client/errors";
import { Viewer } from "../../src/client/viewer";
import { type Viewing, type WatchOptions, watch } from "../../src/client/watch";

vi.mock("../../src/client/watch");

class Media {
  getTracks() {
    return [];
  }
}

const show = vi.fn<(rendition: string) => Promise<void>>();
const asked = () => vi.mocked(watch).mock.calls.map(([, , options]) => options.rendition);

/** A session as far as a viewer looks at it. */
function standing(): Viewing {
  const session = { video: new Media(), soundReceiver: null, show, close: () => {} };
  return session as unknown as Viewing;
}

beforeEach(() => {
  vi.stubGlobal("MediaStream", Media);
  show.mockReset().mockResolvedValue(undefined);
  vi.mocked(watch)
    .mockReset()
    .mockImplementation(async () => standing());
});
afterEach(() => vi.unstubAllGlobals());

it("shows another rendition in the session that stands, and in those that follow", async () => {
  const viewer = new Viewer(new Api("http://camera.example/"), "door");
  await vi.waitFor(() => expect(viewer.state).toBe("live"));
  await viewer.show("framed");
  expect(show.mock.calls).toEqual([["framed"]]);
  viewer.renew();
  await vi.waitFor(() => expect(asked()).toEqual(["main", "framed"]));
  viewer.close();
});

it("tells that the server refuses, and goes on with what it had", async () => {
  const viewer = new Viewer(new Api("http://camera.example/"), "door");
  await vi.waitFor(() => expect(viewer.state).toBe("live"));
  show.mockRejectedValue(new ApiError(404, "no rendition '4k'", null));
  await expect(viewer.show("4k")).rejects.toThrow("no rendition '4k'");
  viewer.renew();
  await vi.waitFor(() => expect(asked()).toEqual(["main", "main"]));
  viewer.close();
});

it("remembers what is wished for while the connection is being made", async () => {
  let stand: (session: Viewing) => void = () => {};
  vi.mocked(watch).mockImplementation(
    (_api: Api, _stream: string, _options: WatchOptions) =>
      new Promise((resolve) => {
        stand = resolve;
      }),
  );
  const viewer = new Viewer(new Api("http://camera.example/"), "door");
  await vi.waitFor(() => expect(asked()).toEqual(["main"]));
  await viewer.show("framed");
  expect(show).not.toHaveBeenCalled();
  stand(standing());
  await vi.waitFor(() => expect(show.mock.calls).toEqual([["framed"]]));
  viewer.close();
});
