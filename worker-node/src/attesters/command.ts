import * as v from 'valibot'
import { type Bytes, hex } from '@cocoon/protocol'
import { type Collateral, decodeCollateral, type TeeKind, teeKinds } from '@cocoon/protocol/appraisal'
import { AttestationError, type Attester, type Quote, REPORT_DATA_BYTES } from './attester.ts'
import { runBounded } from './bounded-command.ts'
import { acceptQuote } from './quote-form.ts'

/** A quote of 64 KiB and collateral of 4 MiB, in base64. */
const MAX_OUTPUT = 6 * 1024 * 1024
const MILLISECONDS = 60_000

const base64 = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9+/]+={0,2}$/),
  v.transform((text): Bytes => new Uint8Array(Buffer.from(text, 'base64'))),
)
const Output = v.object({ tee: v.picklist(teeKinds), quote: base64, collateral: v.optional(v.nullable(base64), null) })

export interface CommandAttesterOptions {
  /** Program and arguments; `{reportData}` stands for the 64 bytes in hex, which come on standard input where none has it. */
  readonly argv: readonly string[]
  readonly milliseconds?: number
}

/**
 * Quotes from a configured command, for machines whose kernel has no interface of its own: development machines, where the
 * command simulates one, and hosts with a vendor's tool. It prints `{"tee": "tdx" | "sev-snp", "quote": base64,
 * "collateral": base64 of encoded collateral, or nothing}`.
 */
export class CommandAttester implements Attester {
  readonly kind: TeeKind
  readonly #options: CommandAttesterOptions

  private constructor(options: CommandAttesterOptions, kind: TeeKind) {
    this.#options = options
    this.kind = kind
  }

  /**
   * Asks once, over zeros, to learn whose hardware this is.
   *
   * @throws AttestationError
   */
  static async open(options: CommandAttesterOptions): Promise<CommandAttester> {
    if (options.argv.length === 0) throw new AttestationError('setting-wrong', 'the quote command is empty')
    const { tee } = await ask(options, new Uint8Array(REPORT_DATA_BYTES))
    return new CommandAttester(options, tee)
  }

  async quote(reportData: Bytes): Promise<Quote> {
    if (reportData.length !== REPORT_DATA_BYTES) throw new RangeError('report data has 64 bytes')
    const { tee, quote, collateral } = await ask(this.#options, reportData)
    if (tee !== this.kind) throw wrong(`it attested as ${this.kind}, and now as ${tee}`)
    return { bytes: acceptQuote(tee, quote, reportData), collateral: collateral && readCollateral(collateral) }
  }
}

async function ask({ argv, milliseconds = MILLISECONDS }: CommandAttesterOptions, reportData: Bytes) {
  const value = hex(reportData)
  const text = await runBounded({ argv, placeholder: '{reportData}', value, maxBytes: MAX_OUTPUT, milliseconds })
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw wrong('it printed no JSON', cause)
  }
  const output = v.safeParse(Output, json)
  if (!output.success) throw wrong(`${v.getDotPath(output.issues[0]) ?? 'output'}: ${output.issues[0].message}`)
  return output.output
}

function readCollateral(bytes: Bytes): Collateral {
  try {
    return decodeCollateral(bytes)
  } catch (cause) {
    throw wrong('its collateral cannot be read', cause)
  }
}

function wrong(what: string, cause?: unknown): AttestationError {
  const message = `the quote command's answer cannot be used: ${what}`
  return new AttestationError('quote-wrong', message, cause === undefined ? {} : { cause })
}
