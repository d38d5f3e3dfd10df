import type { Bytes } from '../src/index.ts'

/** Numbers that look random and are the same for the same seed (xorshift32, Marsaglia 2003). */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1
  }

  #next(): number {
    let state = this.#state
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    this.#state = state >>> 0
    return this.#state
  }

  /** From 0 up to and without `bound`; 0 for a bound of 0. */
  below(bound: number): number {
    return bound <= 0 ? 0 : this.#next() % bound
  }

  pick<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)]
    if (item === undefined) throw new RangeError('nothing to pick from')
    return item
  }

  bytes(length: number): Bytes {
    return Uint8Array.from({ length }, () => this.below(256))
  }
}

const LONGEST = 64
/** Bytes that formats care about: ends of ranges, DER tags and lengths, CBOR heads, JSON and PEM characters. */
const TELLING = [0, 1, 2, 4, 5, 6, 0x30, 0x31, 0x7f, 0x80, 0x81, 0x82, 0xa0, 0xff, 0x22, 0x2d, 0x0a, 0x20, 0x7b, 0x5d]

type Mutation = (bytes: Bytes, chance: Chance, other: Bytes) => Bytes

const splice = (bytes: Bytes, at: number, remove: number, insert: Uint8Array): Bytes => {
  const out = new Uint8Array(bytes.length - remove + insert.length)
  out.set(bytes.subarray(0, at))
  out.set(insert, at)
  out.set(bytes.subarray(at + remove), at + insert.length)
  return out
}
const changed = (bytes: Bytes, at: number, value: number): Bytes => {
  const out = bytes.slice()
  if (at < out.length) out[at] = value
  return out
}
const range = (bytes: Uint8Array, chance: Chance): [from: number, length: number] => {
  const from = chance.below(bytes.length)
  return [from, Math.min(bytes.length - from, 1 + chance.below(LONGEST))]
}

/** `other` is the same part of another machine: what an attacker would have at hand. */
export const mutations = {
  flip: (bytes, chance) => {
    const at = chance.below(bytes.length)
    return changed(bytes, at, (bytes[at] ?? 0) ^ (1 << chance.below(8)))
  },
  set: (bytes, chance) => changed(bytes, chance.below(bytes.length), chance.pick(TELLING)),
  step: (bytes, chance) => {
    const at = chance.below(bytes.length)
    return changed(bytes, at, ((bytes[at] ?? 0) + (chance.below(2) ? 1 : 255)) & 0xff)
  },
  cut: (bytes, chance) => splice(bytes, ...range(bytes, chance), new Uint8Array()),
  insert: (bytes, chance) => splice(bytes, chance.below(bytes.length + 1), 0, chance.bytes(1 + chance.below(8))),
  overwrite: (bytes, chance) => {
    const [from, length] = range(bytes, chance)
    return splice(bytes, from, length, chance.bytes(length))
  },
  zero: (bytes, chance) => {
    const [from, length] = range(bytes, chance)
    return splice(bytes, from, length, new Uint8Array(length))
  },
  repeat: (bytes, chance) => {
    const [from, length] = range(bytes, chance)
    return splice(bytes, from, 0, bytes.subarray(from, from + length))
  },
  move: (bytes, chance) => {
    const [from, length] = range(bytes, chance)
    const rest = splice(bytes, from, length, new Uint8Array())
    return splice(rest, chance.below(rest.length + 1), 0, bytes.subarray(from, from + length))
  },
  shorten: (bytes, chance) => bytes.slice(0, chance.below(bytes.length)),
  lengthen: (bytes, chance) => splice(bytes, bytes.length, 0, chance.bytes(1 + chance.below(LONGEST))),
  graft: (bytes, chance, other) => {
    const [from, length] = range(bytes, chance)
    return splice(bytes, from, length, other.subarray(from, from + length))
  },
  cross: (bytes, chance, other) => {
    const at = chance.below(Math.min(bytes.length, other.length))
    return splice(bytes, at, bytes.length - at, other.subarray(at))
  },
} as const satisfies Record<string, Mutation>
export type MutationName = keyof typeof mutations

/** One to three mutations, one after another; the names say which. */
export function mutate(bytes: Bytes, chance: Chance, other: Bytes): { bytes: Bytes; how: MutationName[] } {
  const names = Object.keys(mutations) as MutationName[]
  const how = Array.from({ length: chance.below(4) === 0 ? 1 + chance.below(3) : 1 }, () => chance.pick(names))
  let out = bytes
  for (const name of how) out = mutations[name](out, chance, other)
  return { bytes: out, how }
}
