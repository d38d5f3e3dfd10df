import { type Bytes, copy, equal } from '@cocoon/protocol'
import { MEASUREMENT_BYTES, type TeeKind } from '@cocoon/protocol/appraisal'
import { AttestationError, REPORT_DATA_BYTES } from './attester.ts'

/** What the node itself reads of a quote. Whether the quote is any good is for devices to judge, not for the node. */
export interface QuoteForm {
  /** Without what follows the last byte: hosts hand out buffers. */
  readonly bytes: Bytes
  readonly reportData: Bytes
  /** RTMR3 of a trust domain; SEV-SNP has no such register. */
  readonly rtmr3: Bytes | null
}

/** TDX DCAP quoting library API, A.3 (version 4) and A.4 (version 5). */
const TDX_HEADER = 48
const TDX_REPORTS = [584, 648]
const TDX_RTMR3 = 472
const TDX_REPORT_DATA = 520
/** SEV-SNP firmware ABI, 56860, table 23. */
const SNP_BYTES = 1184
const SNP_REPORT_DATA = 0x50

/** @throws AttestationError `quote-wrong` */
export function readQuoteForm(kind: TeeKind, blob: Bytes): QuoteForm {
  return kind === 'tdx' ? readTdx(blob) : readSnp(blob)
}

/**
 * The quote to its last byte, if it is over these bytes: a kernel that answers with another's report, or with one from
 * before, is found out here and not by a user.
 *
 * @throws AttestationError `quote-wrong`
 */
export function acceptQuote(kind: TeeKind, blob: Bytes, reportData: Bytes): Bytes {
  const form = readQuoteForm(kind, blob)
  if (!equal(form.reportData, reportData)) throw wrong('it is over other report data than was asked for')
  return form.bytes
}

function readTdx(blob: Bytes): QuoteForm {
  const view = new DataView(blob.buffer, blob.byteOffset, blob.length)
  if (blob.length < TDX_HEADER + 6) throw wrong(`${blob.length} bytes are no TDX quote`)
  const version = view.getUint16(0, true)
  if (version !== 4 && version !== 5) throw wrong(`a TDX quote of version ${version}, where 4 and 5 are known`)
  const body = version === 4 ? TDX_HEADER : TDX_HEADER + 6
  const length = version === 4 ? 584 : view.getUint32(TDX_HEADER + 2, true)
  if (!TDX_REPORTS.includes(length)) throw wrong(`a TDX report of ${length} bytes`)
  const signature = body + length
  if (blob.length < signature + 4) throw wrong(`the quote ends after ${blob.length} bytes, before its signature`)
  const end = signature + 4 + view.getUint32(signature, true)
  if (blob.length < end) throw wrong(`the quote has ${blob.length} bytes and says it has ${end}`)
  return {
    bytes: copy(blob.subarray(0, end)),
    reportData: copy(blob.subarray(body + TDX_REPORT_DATA, body + TDX_REPORT_DATA + REPORT_DATA_BYTES)),
    rtmr3: copy(blob.subarray(body + TDX_RTMR3, body + TDX_RTMR3 + MEASUREMENT_BYTES)),
  }
}

function readSnp(blob: Bytes): QuoteForm {
  if (blob.length < SNP_BYTES) throw wrong(`${blob.length} bytes are no SEV-SNP report, which has ${SNP_BYTES}`)
  return {
    bytes: copy(blob.subarray(0, SNP_BYTES)),
    reportData: copy(blob.subarray(SNP_REPORT_DATA, SNP_REPORT_DATA + REPORT_DATA_BYTES)),
    rtmr3: null,
  }
}

function wrong(what: string): AttestationError {
  return new AttestationError('quote-wrong', `the hardware's answer cannot be used: ${what}`)
}
