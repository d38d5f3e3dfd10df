import { type Bytes, fromHex } from '../../bytes.ts'
import { type AppraisalCode, AppraisalError } from '../failure.ts'

/**
 * Strict reading of Intel's signed JSON: every value is asked for with its type and its bounds, so that a missing or
 * surprising one is an error and never an `undefined` that compares as something.
 */
export class Json {
  readonly #value: unknown
  readonly #path: string
  readonly #code: AppraisalCode

  constructor(value: unknown, path: string, code: AppraisalCode) {
    this.#value = value
    this.#path = path
    this.#code = code
  }

  #refuse(wanted: string): AppraisalError {
    return new AppraisalError(this.#code, `${this.#path} is not ${wanted}`)
  }

  /** Null where the object has no such field. */
  optional(name: string): Json | null {
    const value = this.#value
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw this.#refuse('an object')
    if (!Object.hasOwn(value, name)) return null
    return new Json((value as Record<string, unknown>)[name], `${this.#path}.${name}`, this.#code)
  }

  field(name: string): Json {
    const field = this.optional(name)
    if (!field) throw this.#refuse(`an object with ${name}`)
    return field
  }

  text(): string {
    if (typeof this.#value !== 'string') throw this.#refuse('a text')
    return this.#value
  }

  oneOf<T extends string>(texts: readonly T[]): T {
    const found = texts.find((text) => text === this.#value)
    if (found === undefined) throw this.#refuse(`one of ${texts.join(', ')}`)
    return found
  }

  /** A whole number from 0 to `max`. */
  number(max: number): number {
    const value = this.#value
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max) {
      throw this.#refuse(`a number up to ${max}`)
    }
    return value
  }

  /** Hex of exactly `length` bytes, in either case. */
  bytes(length: number): Bytes {
    const text = this.text()
    if (text.length !== 2 * length || !/^[0-9a-fA-F]*$/.test(text)) throw this.#refuse(`${length} bytes in hex`)
    return fromHex(text.toLowerCase())
  }

  /** Unix seconds of a date in UTC (ISO 8601), as Intel writes them: `2026-11-22T00:00:00Z`. */
  date(): number {
    const text = this.text()
    const milliseconds = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : Number.NaN
    if (Number.isNaN(milliseconds)) throw this.#refuse('a date')
    return milliseconds / 1000
  }

  list(max: number): Json[] {
    const value: unknown = this.#value
    if (!Array.isArray(value) || value.length > max) throw this.#refuse(`a list of at most ${max}`)
    return value.map((item, i) => new Json(item, `${this.#path}[${i}]`, this.#code))
  }
}
