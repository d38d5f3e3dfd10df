import { readFileSync, statSync } from 'node:fs'
import { formatGrams } from '@cocoon/protocol/money'
import { type Plan, PlanError } from './plan.ts'

/** Words or keys on the command line are leaked already: other programs see them, and the shell remembers. */
export function refuseSecrets(given: readonly string[]): void {
  const isSecret = (text: string): boolean => /^(?:[a-z]+[ ,]+){11,}[a-z]+$/.test(text) || /^[0-9a-f]{128}$/i.test(text)
  if (!given.some(isSecret)) return
  throw new PlanError('That looks like a secret key. It is in your shell history now: move the coins to a new wallet.')
}

/** The words of the wallet, from a file that nobody else can read. Whether they are a wallet's is not looked at here. */
export function readWords(file: string | undefined): string[] {
  if (file === undefined) {
    throw new PlanError('Set COCOON_WALLET_FILE to a file with the 24 words of the wallet that signs.')
  }
  if ((statSync(file).mode & 0o077) !== 0) throw new PlanError(`Others can read ${file}: chmod 600 it first.`)
  return readFileSync(file, 'utf8').trim().split(/\s+/)
}

export function totalOf(plan: Plan): string {
  return formatGrams(plan.messages.reduce((sum, { value }) => sum + value, 0n))
}

/**
 * On mainnet a person is asked twice; the second question asks for the sum, so that a yes out of habit is not enough.
 * @throws PlanError for any other answer
 */
export async function askTwice(
  plan: Plan,
  answers: AsyncIterator<string>,
  say: (words: string) => void,
): Promise<void> {
  if (plan.network !== 'mainnet') return
  for (const [question, expected] of [
    ['This is mainnet, and these are real coins. Type mainnet to go on: ', 'mainnet'],
    ['Type how many GRAM leave the wallet, as it stands above: ', totalOf(plan)],
  ] as const) {
    say(question)
    const { value } = await answers.next()
    if (value !== expected) throw new PlanError('Nothing was sent.')
  }
}
