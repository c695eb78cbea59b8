/** The gallery of faces, over HTTP. */

import { api } from "../../app/server";

export interface Person {
  readonly name: string;
  readonly pictures: number;
  /** ISO 8601. */
  readonly enrolled: string;
  readonly changed: string;
}

export async function people(): Promise<readonly Person[]> {
  const response = await api.request("api/faces");
  return ((await response.json()) as { faces: Person[] }).faces;
}

export async function enroll(name: string, picture: Blob): Promise<Person> {
  const response = await api.request(`api/faces/${encodeURIComponent(name)}`, {
    method: "POST",
    headers: { "Content-Type": picture.type },
    body: picture,
  });
  return (await response.json()) as Person;
}

export async function forget(name: string): Promise<void> {
  await api.request(`api/faces/${encodeURIComponent(name)}`, { method: "DELETE" });
}
