import type { Words } from './en.ts'
import { notices } from './ru-notices.ts'
import { pages } from './ru-pages.ts'
import { proofRu } from './ru-proof.ts'
import { speechOf } from './speech.ts'

const speech = speechOf('ru')
const { integer, counted, form } = speech
const inADay = 20 * 60 * 60 * 1000
const when = (seconds: number): string => {
  const at = seconds * 1000
  return at - Date.now() < inADay ? `в ${speech.clock(at)}` : `в ${speech.weekdayAndClock(at)}`
}
const freeQuestions = {
  one: 'бесплатный вопрос',
  few: 'бесплатных вопроса',
  many: 'бесплатных вопросов',
  other: 'бесплатного вопроса',
}

export const ru: Words = {
  ...speech,
  ...pages,
  language: 'ru',
  close: 'Закрыть',
  development: 'Машина для разработки. Переписка не защищена',

  welcome: {
    title: 'Спросите без свидетелей',
    text: 'Вопрос откроет только машина, которая отвечает. Сначала она докажет, что ей можно верить.',
    developmentText:
      'Вопрос запечатан для машины, которая отвечает. Эта — для разработки: она пока ничего не доказывает.',
    ideas: 'С чего начать',
  },
  model: {
    title: 'Модель',
    unknown: 'Cocoon',
    change: (name, state) => `${name}. ${state}. Сменить модель`,
    price: 'цена',
    perMillion: (ticker) => `${ticker} за миллион`,
    machines: (count) => form(count, { one: 'машина', few: 'машины', many: 'машин', other: 'машины' }),
    free: 'мест свободно',
    none: 'Сейчас её никто не запускает',
    unreachable: 'Список не загрузился.',
    looking: 'Ищем машины',
    development: 'Эти машины — для разработки и ничего не доказывают: их владельцы могли бы прочитать вопрос.',
  },
  standing: {
    private: 'Приватно, проверено',
    open: 'Открыта: владелец мог бы прочесть',
    development: 'Для разработки, не защищена',
    'not-attested': 'Без доказательств',
    checking: 'Проверяем',
    stopped: 'Остановлено',
    offline: 'Нет связи',
    looking: 'Соединяемся',
    waiting: 'В очереди',
    free: (count) =>
      count === 0
        ? 'Свободных машин нет'
        : counted(count, {
            one: 'место свободно',
            few: 'места свободны',
            many: 'мест свободно',
            other: 'места свободно',
          }),
  },

  trial: {
    pill: (left) => `Даром · ${integer(left)}`,
    unknown: 'Даром',
    label: (left) => `Осталось: ${counted(left, freeQuestions)}`,
    title: 'Бесплатные вопросы',
    left: (left, of) => `Осталось ${integer(left)} из ${integer(of)}`,
    renews: (seconds) => `Все они вернутся ${when(seconds)}.`,
    wallet: 'Кошелёк для них не нужен. Платить за большее можно будет позже.',
  },

  composer: {
    label: 'Спросить приватно',
    send: 'Отправить',
    stop: 'Остановить',
    first: (of) =>
      `Первые ${counted(of, { one: 'ответ', few: 'ответа', many: 'ответов', other: 'ответа' })} за наш счёт`,
    firstUnknown: 'Первые ответы за наш счёт',
    noWallet: 'Кошелёк не нужен',
    offline: 'Вы не в сети. Вопрос подождёт здесь.',
    few: (left) => (left === 0 ? 'Бесплатных вопросов не осталось' : `Осталось: ${counted(left, freeQuestions)}`),
    renews: (seconds) => `Вернутся ${when(seconds)}`,
    editing: 'Вы меняете вопрос',
    cancelEdit: 'Не менять',
    prompts: 'Заготовки',
    down: 'К концу',
  },

  question: { label: 'Вопрос', notSent: 'Не отправлено' },
  branch: {
    label: 'Версии',
    at: (index, of) => `Версия ${integer(index)} из ${integer(of)}`,
    before: 'Более ранняя версия',
    after: 'Более поздняя версия',
  },
  answer: {
    label: 'Ответ',
    copy: 'Скопировать',
    again: 'Спросить другую машину',
    more: 'Ещё',
    copyCode: 'Скопировать код',
    copied: 'Скопировано',
    code: 'Код',
    reasoning: 'Размышления',
    thinking: 'Размышляет, запечатано для этого устройства',
    length: 'Ответ достиг предела и кончается здесь.',
    filtered: 'Остаток ответа машина придержала.',
    empty: 'Машина не ответила ничего.',
    free: 'даром',
    cost: (amount, ticker) => `${amount} ${ticker}`,
    standing: {
      private: 'Защита доказана',
      open: 'Открытая машина',
      development: 'Машина для разработки',
      'not-attested': 'Без доказательств',
    },
    about: (standing) => `${standing}. Об этой машине`,
  },
  status: {
    matching: 'Ищем машину',
    waiting: 'Все машины заняты; вы в очереди',
    checking: 'Проверяем машину',
    sealing: 'Запечатываем',
    sealed: 'Запечатано. Ждём первые слова',
    streaming: 'Отвечает, запечатано для этого устройства',
    done: '',
    stopped: 'Остановлено',
    failed: '',
  },
  lost: 'Связь прервалась. Ответ ждёт, запечатанный.',
  resumed: 'Снова на связи, всё на месте.',

  about: {
    private: { title: 'Приватно, и это доказано', text: 'Проверено на этом устройстве до отправки.' },
    open: {
      title: 'Открытая машина',
      text: 'По пути ваш вопрос не мог прочитать никто, но владелец этой машины мог бы.',
    },
    development: {
      title: 'Машина для разработки, не защищена',
      text: 'Сделаны все проверки, но машина поддельная, и ключи её известны всем: владелец мог бы прочитать вопрос. Она показывает, как доказывает себя приватная машина.',
    },
    'not-attested': {
      title: 'Без доказательств',
      text: 'Эта машина — для разработки и ничего о себе не доказала: её владелец мог бы прочитать вопрос. По пути не мог никто. Он запечатан на этом устройстве и открыт на той машине.',
    },
    machine: 'Машина',
    model: 'Модель',
    read: 'Прочитано',
    wrote: 'Написано',
    cost: 'Стоимость',
    tokens: (count) => counted(count, { one: 'токен', few: 'токена', many: 'токенов', other: 'токена' }),
  },
  proof: proofRu,
  actions: {
    title: 'Этот ответ',
    copyAnswer: 'Скопировать ответ',
    copyQuestion: 'Скопировать вопрос',
    edit: 'Изменить вопрос',
    share: 'Поделиться',
    report: 'Пожаловаться на ответ',
    machine: 'Об этой машине',
  },

  notices,
  safe: {
    kept: 'С устройства ничего не ушло. Вопрос подождёт здесь.',
    sealed: 'Вопрос был запечатан: открыть его могла только та машина.',
    waits: 'Ответ ждёт вас, запечатанный, сутки.',
  },
  remedy: {
    again: 'Попробовать снова',
    'other-machine': 'Спросить другую машину',
    'sign-in': 'Войти снова',
    reopen: 'Закрыть Cocoon',
    edit: 'Изменить вопрос',
    'new-chat': 'Начать новый чат',
  },
  againIn: (seconds) => `Снова через ${integer(seconds)} с`,
  editInstead: 'Изменить вопрос',
}
