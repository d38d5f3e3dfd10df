import { equal } from '../bytes.ts'
import type { Statement } from '../statement.ts'
import type { Claims } from './claims.ts'
import { type Check, ensure, type Steps } from './failure.ts'

const step = (name: string): Check => ({ name, source: 'SPEC.md A6', blame: 'evidence' })

/**
 * Step 13 of the checklist. Runs anew for every statement, since a node signs one every few minutes over the same
 * evidence. That the statement is signed by the key it names, in this version, is what makes it a `VerifiedStatement`;
 * that it names this evidence is checked first of all.
 */
export const statementChecks: readonly Check[] = [
  step('statement.network'),
  step('statement.identity'),
  step('statement.dates'),
  step('statement.models'),
]

/** Runs `statementChecks`. Dates are compared with the claims' and with no clock: both are of the node's. */
export async function bindStatement(steps: Steps, statement: Statement, claims: Claims): Promise<void> {
  await steps.run('statement.network', (found) => {
    const networks = `statement for network ${statement.network}, claims for ${claims.network}`
    ensure(statement.network === claims.network, 'statement-network', networks)
    found(`network ${claims.network}, version ${claims.version}`)
  })
  await steps.run('statement.identity', () => {
    const same = equal(statement.identity, claims.identity)
    ensure(same, 'statement-identity', 'the key that signed the statement is not the one that evidence vouches for')
  })
  await steps.run('statement.dates', () => {
    const within = statement.notBefore >= claims.notBefore && statement.useBy <= claims.notAfter
    ensure(within, 'statement-dates', 'the statement is for a time that evidence does not cover')
  })
  await steps.run('statement.models', (found) => {
    const claimed = new Set(claims.workload.models.map(({ model }) => model))
    const stranger = statement.offers.find(({ model }) => !claimed.has(model))
    ensure(stranger === undefined, 'statement-model', `${stranger?.model} is offered, and not in the workload`)
    found(statement.offers.map(({ model }) => model).join(', '))
  })
}
