import type { FailureReason } from '../turn.ts'
import type { Notice } from './notice.ts'

// Codes that are one thing to a person share their words.
const misfit: Notice = {
  title: 'Приложение и машина не понимают друг друга',
  what: 'Скорее всего, что-то из них устарело.',
  remedy: 'again',
}
const stale: Notice = {
  title: 'Машина изменила условия',
  what: 'Cocoon проверит её заново, прежде чем что-то отправить.',
  remedy: 'again',
}
const gone: Notice = { title: 'Машина ушла', what: 'Она не успела закончить ответ.', remedy: 'other-machine' }
const full: Notice = {
  title: 'Эта машина занята',
  what: 'Сейчас она не берёт новых вопросов.',
  remedy: 'other-machine',
}
const unfit: Notice = {
  title: 'Эта машина не может взять вопрос',
  what: 'Другая, возможно, сможет.',
  remedy: 'other-machine',
}
const cutShort: Notice = {
  title: 'Ответ оборвался',
  what: 'Связь прервалась раньше, чем машина сказала, что закончила.',
  remedy: 'again',
}
const signIn: Notice = { title: 'Вход больше не действует', what: 'Он живёт не дольше часа.', remedy: 'sign-in' }
const reopen: Notice = {
  title: 'Вход через Telegram устарел',
  what: 'Закройте Cocoon и откройте его снова из чата.',
  remedy: 'reopen',
}
const forged: Notice = {
  title: 'Остановлено: это ответ не той машины',
  what: 'По пути его кто-то изменил. Изменённое отброшено.',
  remedy: 'other-machine',
  stop: true,
}
const fault: Notice = { title: 'У сервиса неполадка', what: 'Он не смог передать ваш вопрос.', remedy: 'again' }
const tooLong: Notice = {
  title: 'Вопрос слишком длинный',
  what: 'Сократите его или отправьте по частям.',
  remedy: 'edit',
}

export const notices = {
  'too-large': tooLong,
  'wrong-version': misfit,
  'wrong-network': misfit,
  'unknown-statement': stale,
  'expired-statement': stale,
  'wrong-job-id': misfit,
  'already-seen': misfit,
  'bad-money': misfit,
  'unknown-model': unfit,
  'wrong-policy': unfit,
  'price-changed': stale,
  busy: full,
  draining: full,
  'cannot-open': misfit,
  'wrong-commit': misfit,
  'bad-padding': misfit,
  'bad-request': { title: 'Машина не поняла вопрос', what: 'Скажите другими словами.', remedy: 'edit' },
  'context-exceeded': {
    title: 'Этот чат стал слишком длинным',
    what: 'Модель не может удержать его целиком.',
    remedy: 'new-chat',
  },
  'answer-too-large': { title: 'Ответ стал слишком длинным', what: 'Попросите покороче.', remedy: 'edit' },
  'time-limit': {
    title: 'Ответ занял слишком много времени',
    what: 'Машине не хватило времени.',
    remedy: 'other-machine',
  },
  'engine-failed': { title: 'Машина не справилась', what: 'Она не смогла закончить ответ.', remedy: 'other-machine' },
  'node-stopping': gone,
  malformed: misfit,
  'not-found': misfit,
  'wrong-order': misfit,
  'body-too-large': tooLong,
  'signed-out': signIn,
  'sign-in-refused': reopen,
  'sign-in-replayed': reopen,
  'trial-spent': {
    title: 'Бесплатных вопросов не осталось',
    what: 'Они вернутся сами.',
    remedy: 'again',
  },
  'rate-limited': { title: 'Немного слишком быстро', what: 'Подождите минуту и отправьте снова.', remedy: 'again' },
  'no-node': { title: 'Свободных машин нет', what: 'Сейчас эту модель никто не запускает.', remedy: 'again' },
  'all-busy': { title: 'Все машины заняты', what: 'Сейчас спрашивают многие.', remedy: 'again' },
  'model-not-served': {
    title: 'Эту модель сейчас никто не запускает',
    what: 'Выберите другую вверху экрана.',
    remedy: 'again',
  },
  'lease-expired': stale,
  'node-gone': gone,
  'node-lost': gone,
  'unknown-job': { title: 'Ответа больше нет', what: 'Он ждёт не дольше суток.', remedy: 'again' },
  'broker-fault': fault,
  'broken-encoding': {
    title: 'Остановлено: пришло что-то непонятное',
    what: 'Оно отброшено.',
    remedy: 'other-machine',
    stop: true,
  },
  'bad-statement': {
    title: 'Остановлено до отправки',
    what: 'Подпись этой машины неверна.',
    remedy: 'other-machine',
    stop: true,
  },
  'not-attested': {
    title: 'Остановлено до отправки',
    what: 'Эта машина не доказала, что ей можно верить.',
    remedy: 'other-machine',
    stop: true,
  },
  'wrong-node': {
    title: 'Остановлено: ответила другая машина',
    what: 'Это не та, которую проверили.',
    remedy: 'other-machine',
    stop: true,
  },
  'forged-frame': forged,
  'forged-refusal': forged,
  'frame-gap': cutShort,
  truncated: cutShort,
  unreachable: { title: 'Нет связи', what: 'Не удалось связаться с Cocoon.', remedy: 'again' },
  'wrong-broker': {
    title: 'Остановлено: это другая сеть',
    what: 'Сервис отвечает за сеть, для которой это приложение не предназначено.',
    remedy: 'again',
    stop: true,
  },
  cancelled: { title: 'Остановлено', what: 'Вы остановили ответ.', remedy: 'again' },
  closed: { title: 'Ещё не отправлено', what: 'Cocoon закрылся раньше, чем вопрос ушёл.', remedy: 'again' },
  unexpected: { title: 'Что-то в приложении сломалось', what: 'Это наша вина, не ваша.', remedy: 'again' },
} as const satisfies Record<FailureReason, Notice>
