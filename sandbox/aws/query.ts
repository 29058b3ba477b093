import { validationError } from './errors.ts';

type Tree = Map<string, Tree | string>;

/**
 * The parameters of a query-protocol request (`A.member.1.B=x`) as a tree, with typed access.
 * Every accessor gives undefined for an absent parameter and throws `ValidationError` for a malformed one.
 */
export class Params {
  readonly #tree: Tree;
  readonly #path: string;

  private constructor(tree: Tree, path: string) {
    this.#tree = tree;
    this.#path = path;
  }

  static parse(form: URLSearchParams): Params {
    const root: Tree = new Map();
    for (const [name, value] of form) {
      const steps = name.split('.');
      const last = steps.pop() ?? '';
      let node = root;
      for (const step of steps) {
        const next = node.get(step) ?? new Map();
        node.set(step, next);
        if (typeof next === 'string') throw validationError(`Parameter ${name} contradicts another parameter`);
        node = next;
      }
      node.set(last, value);
    }
    return new Params(root, '');
  }

  text(name: string): string | undefined {
    const value = this.#tree.get(name);
    if (value instanceof Map) throw validationError(`${this.#path}${name} must be a single value`);
    return value;
  }

  required(name: string): string {
    const value = this.text(name);
    if (value === undefined || value === '') throw constraint(null, this.#path + name, 'Member must not be null');
    return value;
  }

  /** A text of 1 to `most` characters. */
  bounded(name: string, most: number): string | undefined {
    const value = this.text(name);
    if (value !== undefined && (value.length === 0 || value.length > most)) {
      throw constraint(value, this.#path + name, `Member must have length between 1 and ${most}`);
    }
    return value;
  }

  oneOf<Choice extends string>(name: string, choices: readonly Choice[]): Choice | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const choice = choices.find((each) => each === value);
    if (choice !== undefined) return choice;
    throw constraint(value, this.#path + name, `Member must satisfy enum value set: [${choices.join(', ')}]`);
  }

  integer(name: string, least: number, most: number): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (!/^-?\d{1,10}$/.test(value)) throw constraint(value, this.#path + name, 'Member must be a whole number');
    const number = Number(value);
    if (number < least)
      throw constraint(value, this.#path + name, `Member must have value greater than or equal to ${least}`);
    if (number > most)
      throw constraint(value, this.#path + name, `Member must have value less than or equal to ${most}`);
    return number;
  }

  boolean(name: string): boolean | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (value !== 'true' && value !== 'false')
      throw constraint(value, this.#path + name, 'Member must be true or false');
    return value === 'true';
  }

  /** A list of texts; an empty list arrives as an empty value. */
  texts(name: string): string[] | undefined {
    return this.#members(name)?.map((member, index) => {
      if (typeof member === 'string') return member;
      throw validationError(`${this.#path}${name}.member.${index + 1} must be a single value`);
    });
  }

  /** A list of structures. */
  list(name: string): Params[] | undefined {
    return this.#members(name)?.map((member, index) => {
      const path = `${this.#path}${name}.member.${index + 1}`;
      if (typeof member === 'string') throw validationError(`${path} must be a structure`);
      return new Params(member, `${path}.`);
    });
  }

  /** A nested structure. */
  child(name: string): Params | undefined {
    const value = this.#tree.get(name);
    if (value === undefined || value === '') return undefined;
    if (typeof value === 'string') throw validationError(`${this.#path}${name} must be a structure`);
    return new Params(value, `${this.#path}${name}.`);
  }

  #members(name: string): (Tree | string)[] | undefined {
    const value = this.#tree.get(name);
    if (value === undefined) return undefined;
    if (value === '') return [];
    const members = typeof value === 'string' ? undefined : value.get('member');
    if (members === '') return [];
    if (!(members instanceof Map)) throw validationError(`${this.#path}${name} must be a list`);
    return [...members]
      .map(([position, member]) => ({ position: listPosition(this.#path + name, position), member }))
      .sort((a, b) => a.position - b.position)
      .map(({ member }) => member);
  }
}

function listPosition(path: string, position: string): number {
  if (!/^[1-9]\d{0,5}$/.test(position)) throw validationError(`${path}.member.${position} has no valid position`);
  return Number(position);
}

/** The wording of AWS for a broken constraint; `path` starts with a lower-case letter there. */
function constraint(value: string | null, path: string, rule: string) {
  const at = path.charAt(0).toLowerCase() + path.slice(1);
  const shown = value === null ? 'Value null' : `Value '${value}'`;
  return validationError(`1 validation error detected: ${shown} at '${at}' failed to satisfy constraint: ${rule}`);
}
