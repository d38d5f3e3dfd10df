import { amountVectors, cborVectors, messageVectors, paddingVectors, signingVectors } from './encoding.ts'
import { refusalVectors, responseVectors } from './response.ts'
import { requestVectors, statementVectors } from './sealing.ts'

/** Every file of vectors, by the name it has without `.json`. Nothing in them is random: running twice changes nothing. */
export const vectors = {
  amount: amountVectors,
  cbor: cborVectors,
  message: messageVectors,
  padding: paddingVectors,
  refusal: refusalVectors,
  request: requestVectors,
  response: responseVectors,
  signing: signingVectors,
  statement: statementVectors,
} as const
