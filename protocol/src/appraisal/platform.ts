import type { Bytes } from '../bytes.ts'
import { CocoonError } from '../errors.ts'
import type { Evidence } from './evidence.ts'
import { AppraisalError } from './failure.ts'
import type { SnpTcb } from './registry.ts'
import { readSnpReport } from './snp/report.ts'
import { readTcb } from './snp/vcek.ts'
import { intelNames } from './tdx/verify.ts'
import { readPlatform } from './tdx/pck.ts'
import { readQuote } from './tdx/quote.ts'
import { readPemChain } from './x509.ts'

/** What a maker has to be asked for to vouch for one machine. Read before anything is verified: it proves nothing. */
export type Platform =
  | {
      readonly tee: 'tdx'
      /** Family, model, stepping and custom SKU: 6 bytes. */
      readonly fmspc: Bytes
      /** Which authority issued the PCK certificate. */
      readonly authority: 'platform' | 'processor'
    }
  | {
      readonly tee: 'sev-snp'
      /** AMD's product line, as its key service names it. */
      readonly product: string
      readonly chipId: Bytes
      readonly tcb: SnpTcb
    }

/** CPUID family and model of the product lines (AMD, VCEK certificate and KDS interface specification, 57230, section 1.3). */
const products: readonly {
  readonly family: number
  readonly models: readonly [number, number]
  readonly name: string
}[] = [
  { family: 0x19, models: [0x00, 0x0f], name: 'Milan' },
  { family: 0x19, models: [0x10, 0x1f], name: 'Genoa' },
  { family: 0x19, models: [0xa0, 0xaf], name: 'Genoa' },
  { family: 0x1a, models: [0x00, 0x1f], name: 'Turin' },
]

/**
 * The platform that evidence says it is from; null where the evidence does not say it: reports of version 2 name no
 * product.
 * @throws CocoonError `broken-encoding` for evidence that cannot be read
 */
export function platformOf(evidence: Evidence): Platform | null {
  try {
    return evidence.tee === 'tdx' ? tdxPlatform(evidence.quote) : snpPlatform(evidence.quote)
  } catch (cause) {
    if (!(cause instanceof AppraisalError)) throw cause
    throw new CocoonError('broken-encoding', `evidence of no readable platform: ${cause.message}`, { cause })
  }
}

function tdxPlatform(quote: Bytes): Platform | null {
  const [pck, issuer] = readPemChain(readQuote(quote).pckChain)
  if (!pck || !issuer) return null
  const authority = issuer.commonName === intelNames.pckIssuers[0] ? 'platform' : 'processor'
  return { tee: 'tdx', fmspc: readPlatform(pck).fmspc, authority }
}

function snpPlatform(report: Bytes): Platform | null {
  const { cpu, chipId, reportedTcb } = readSnpReport(report)
  if (!cpu) return null
  const of = products.find(({ family, models: [least, most] }) => {
    return family === cpu.family && cpu.model >= least && cpu.model <= most
  })
  return of ? { tee: 'sev-snp', product: of.name, chipId, tcb: readTcb(reportedTcb, of.name) } : null
}
