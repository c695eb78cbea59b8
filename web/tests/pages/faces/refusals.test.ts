import { expect, test } from "vitest";
import { refusalOf } from "../../../src/pages/faces/refusals";

test.each([
  ["no face in the picture: use a picture that shows it from the front", { kind: "noFace" }],
  ["5 faces in the picture: crop to one", { kind: "several", count: 5 }],
  [
    "the face in the picture is too small: its eyes are 14 pixels apart, at least 20 are needed",
    { kind: "tooSmall", eyes: 14, least: 20 },
  ],
  [
    "the face in the picture is turned too far to the side: use a picture from the front",
    { kind: "turned" },
  ],
  ["the face in the picture is too blurred", { kind: "blurred" }],
  ["the picture: not a JPEG or PNG", { kind: "noPicture" }],
  ["the picture: empty file", { kind: "empty" }],
  ["faces.json is damaged", { kind: "other", words: "faces.json is damaged" }],
])("%s", (message, expected) => {
  expect(refusalOf(message)).toEqual(expected);
});
