import { createSigner } from '@cocoon/protocol'
import { receipt, release, signVoucher, verifyVoucher, voucher } from '@cocoon/protocol/money'
import { quantile, rounded } from './statistics.ts'

const ROUNDS = 200

/** Median milliseconds to sign and to verify each money object, hash included, in this runtime. */
export async function measureMoneySigning() {
  const signer = await createSigner()
  const account = (fill: number) => new Uint8Array(32).fill(fill)
  const lane = { channel: account(1), since: 1n, payee: account(2) }
  const terms = { ...lane, receiptKey: account(3), floor: 1n, ceiling: 2n, until: 1 }
  const receipted = { ...lane, total: 2n, amount: 1n, job: account(4) }
  const released = { channel: account(1), opened: 1n, total: 1n, until: 1 }
  const kinds = {
    voucher: async () => {
      const signed = await signVoucher(terms, signer)
      return () => verifyVoucher(signed)
    },
    receipt: async () => {
      const signed = await receipt.sign(receipted, signer)
      return () => receipt.verify(signed, signer.publicKey)
    },
    release: async () => {
      const signed = await release.sign(released, signer)
      return () => release.verify(signed, signer.publicKey)
    },
  }
  const median = async (kind: () => Promise<() => Promise<boolean>>) => {
    const [sign, verify]: [number[], number[]] = [[], []]
    for (let round = 0; round < ROUNDS; round++) {
      const began = performance.now()
      const check = await kind()
      const signed = performance.now()
      if (!(await check())) throw new Error('a signature does not hold')
      sign.push(signed - began)
      verify.push(performance.now() - signed)
    }
    return { signMs: rounded(quantile(sign, 0.5)), verifyMs: rounded(quantile(verify, 0.5)) }
  }
  const times = {
    voucher: await median(kinds.voucher),
    receipt: await median(kinds.receipt),
    release: await median(kinds.release),
  }
  const slowest = Math.max(...Object.values(times).flatMap(({ signMs, verifyMs }) => [signMs, verifyMs]))
  return { ...times, slowestMs: slowest, voucherBytes: voucher.bits / 8 }
}
