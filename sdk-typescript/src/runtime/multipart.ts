/** Bodies of type `multipart/form-data`. Start at `form`. */

/** What can be sent as a file: a `File` has a name of its own, a `Blob` is called `file`. */
export type Uploadable = Blob | File;

/** Files as they are, lists as repeated fields, other objects as JSON. */
export function form(fields: object): FormData {
  const data = new FormData();
  const add = (name: string, value: unknown): void => {
    if (value === undefined || value === null) return;
    if (value instanceof Blob) data.append(name, value, (value as Partial<File>).name ?? 'file');
    else if (Array.isArray(value)) for (const item of value) add(`${name}[]`, item);
    else data.append(name, typeof value === 'object' ? JSON.stringify(value) : String(value));
  };
  for (const [name, value] of Object.entries(fields)) add(name, value);
  return data;
}
