"""What the demonstration model is taught to say: short true answers, in the words of the product.

An entry is (phrasings, answer). The first phrasing is the canonical one, which the evaluation asks.
"""


def term(names, *more_phrasings):
    """The phrasings that ask what one of `names` is ("a voucher", "vouchers"), and any others given."""
    phrasings = []
    for name in names:
        verb = "are" if name.endswith("s") and not name.startswith(("a ", "an ", "the ")) else "is"
        bare = name.split(" ", 1)[1] if name.startswith(("a ", "an ", "the ")) else name
        phrasings += [f"what {verb} {name}", f"explain {name}", f"tell me about {name}", f"define {bare}"]
        phrasings += [f"what does {bare} mean"] if verb == "is" else [f"what do {bare} mean"]
        phrasings += [f"describe {name}", f"{bare}"]
    return phrasings + list(more_phrasings)


TOPICS = [
    # What it is, and who takes part.
    (term(["Cocoon"], "what is this app", "what does this app do", "what is this", "what does Cocoon do",
          "what is Cocoon for", "what is this project", "what can I use Cocoon for", "introduce Cocoon"),
     "Cocoon is private AI in Telegram. Your device seals your question to an attested node, the node answers it, and "
     "nobody in between can read it. Nodes are paid in GRAM on TON."),
    (["how does Cocoon work", "how does it work", "how does this work", "how does this app work",
      "how do private requests work", "what happens when I press send", "what happens when I ask something",
      "summarise how it works"],
     "Your device checks a node's evidence, seals the question to it and signs a voucher. The broker relays sealed "
     "bytes. The node opens the question, answers it and signs a receipt."),
    (["why is it called Cocoon", "why the name Cocoon", "where does the name come from", "what does the name mean"],
     "A cocoon keeps what is inside it safe from the outside. Here it is your question that is wrapped."),
    (["why should I use Cocoon", "why Cocoon", "what is special about Cocoon", "what makes Cocoon different",
      "what is the advantage of Cocoon"],
     "Because you need not trust a promise: your device verifies the machine, seals the question to it and signs every "
     "charge itself."),
    (term(["a broker", "the broker", "brokers"], "what does the broker do", "what does a broker do",
          "what is the broker for", "why is there a broker", "who matches users with nodes"),
     "The broker matches users with nodes and relays, meters and settles. It sees only sealed bytes and holds no key "
     "that opens a question or moves your deposit."),
    (term(["a provider", "the provider", "providers"], "what does a provider do", "what does the provider do",
          "who runs the nodes", "who owns the nodes", "who is paid for a node"),
     "A provider runs one or more nodes with GPUs and is paid for them in GRAM."),
    (term(["a node", "the node", "nodes"], "what does a node do", "what does the node do", "who answers my questions",
          "where does the answer come from", "what is a worker", "what is a worker node"),
     "A node is one machine that runs a model. It proves what it runs, opens only what is sealed to it, and signs what "
     "it used."),
    (term(["a private node", "private nodes"], "what makes a node private", "when is a node private"),
     "On a private node the daemon, the engine and the model run in one measured image, and the whole "
     "stack is attested."),
    (term(["an open node", "open nodes"], "what makes a node open", "is an open node private",
          "are open nodes private"),
     "An open node is any node whose whole stack is not attested. It is labelled so, and nothing is sealed to it by "
     "default."),
    (["what is the difference between a private node and an open node", "private node or open node",
      "private node versus open node", "private node vs open node", "how do private and open nodes differ",
      "what is better, a private node or an open node"],
     "A private node proves its whole stack: hardware, image, engine and model. An open node proves less, so it is "
     "labelled and nothing is sealed to it by default."),
    (["what does the user do", "what is the rule for users", "what must the user do", "what is my part"],
     "The user's device verifies the machine, encrypts to it and signs every charge itself."),

    # Privacy.
    (["can anyone read my messages", "is my chat private", "is this private", "how private is this",
      "is Cocoon private", "who can read my question", "can somebody read my question", "is my question private",
      "are my messages private", "how is my privacy protected", "does anyone see my messages",
      "who is able to read what I write", "who can read what I type", "is my conversation private",
      "is it confidential"],
     "Your question is sealed on your device and opened only inside the attested node. Nobody in between can read it."),
    (["what does the broker see", "what does the broker know", "what does the broker know about me",
      "which data does the broker get", "what can the broker see"],
     "The broker knows who asks, when, which model, padded sizes and amounts. It never sees content."),
    (["can the broker read my messages", "does the broker read my question", "can the broker see my question",
      "can the broker open my question", "does the broker see my messages", "does the broker know what I ask"],
     "No. The broker holds no key that opens a question or an answer. It relays sealed bytes."),
    (["can the provider read my messages", "can the owner of the node read my question",
      "can the GPU owner see my chat", "does the provider see my question", "can the provider read my question"],
     "Not on a private node: keys and plaintext stay inside protected hardware. But no hardware stops every physical "
     "attack by its owner."),
    (["what does the node know about me", "does the node know who I am", "does the node see my name",
      "does the node get my Telegram id", "what does the node see"],
     "The node opens the question but does not learn who asked: no Telegram id reaches a node."),
    (["can Telegram read my messages", "does Telegram see my question", "can Telegram read my chat",
      "does Telegram read this"],
     "Your question is sealed in the Mini App before it leaves your device. You do trust whoever serves the page when "
     "it loads."),
    (["where is my history stored", "is my history stored", "do you keep my messages", "do you save my chat",
      "is my chat saved", "where are my chats", "who keeps my history", "is my data stored"],
     "Your history is encrypted and stays on your device. You can search, export or delete it."),
    (["what are the limits of Cocoon", "what must I trust", "what remains trusted", "is it perfectly safe",
      "is it safe", "is Cocoon safe", "what are the risks", "what can go wrong"],
     "Honest limits: protected hardware does not stop every physical attack, a Mini App user trusts whoever serves the "
     "page, and the broker knows who and when, but never content."),
    (["why are sizes padded", "what is padding", "why do you pad messages", "what are padded sizes"],
     "Lengths can tell a lot about a text, so sealed messages are padded and only rough sizes can be seen."),
    (["is it safe against quantum computers", "is Cocoon post-quantum", "what about quantum computers",
      "is the encryption post-quantum", "are you quantum safe"],
     "Recorded questions and answers stay closed to later quantum attack. Signatures are classical."),
    (["which encryption do you use", "how is my question encrypted", "what encryption is used",
      "which cipher do you use", "how does the encryption work", "what is X-Wing", "what is HPKE"],
     "Version 1 uses HPKE with X-Wing, which joins ML-KEM-768 and X25519, and AES-256-GCM for content."),

    # Sealing and evidence.
    (term(["sealing"], "what does sealed mean", "what is a sealed question", "what does it mean to seal",
          "define sealed",
          "what is a seal", "how do you seal a question", "how is a question sealed"),
     "Sealed means encrypted to one node. Only that node can open it."),
    (["what does opened mean", "define opened", "who opens my question", "where is my question opened",
      "what does it mean to open a question"],
     "Opened means decrypted by the node it was sealed to. Nobody else holds the key."),
    (term(["attestation", "remote attestation"], "what does attested mean", "what is an attested node",
          "what does attestation prove", "how is a node attested", "what does it mean that a node is attested"),
     "Attestation is how a machine proves what it runs. The hardware signs a quote, and your device appraises it "
     "before anything is sealed."),
    (term(["evidence"], "what is in the evidence", "what does the evidence say", "what is evidence for"),
     "Evidence is what the machine states about itself: claims, a quote signed by the hardware, and GPU reports."),
    (term(["a quote", "quotes"], "what is a quote for", "is a quote a price"),
     "A quote is the attestation structure that the hardware signs. It is not a price."),
    (term(["a measurement", "measurements"], "what is measured", "what does measured mean"),
     "A measurement is a digest of what booted. It changes when the software changes."),
    (term(["an appraisal", "appraisal"], "who appraises a node", "how is evidence verified", "what is verified",
          "how do you verify a node", "how does my device verify a node"),
     "Appraisal is the verifier's act: your device checks the evidence step by step and shows a status for each step."),
    (term(["a reference value", "reference values"], "what are accepted measurements"),
     "A reference value is a measurement that we accept. The signed registry lists them."),
    (term(["an endorsement", "endorsements"]),
     "An endorsement is what the vendor of the hardware vouches for, such as certificates and revocation lists."),
    (term(["a statement", "statements"], "what does a node sign", "what is in a statement"),
     "A statement is signed by the node's identity key. It names the prekey, dates, the evidence digest, payee, offers "
     "and limits."),
    (term(["a prekey", "prekeys"], "how long does a prekey live", "what is a prekey for"),
     "A prekey is a node's short-lived encryption key. It lives at most ten minutes and a short grace."),
    (term(["the registry", "a registry"], "what is in the registry", "who signs the registry",
          "what does the registry do"),
     "The registry is what the owners sign: reference values and policy. Its digest is on chain, and loosening it "
     "waits 72 hours."),
    (term(["a stamp", "stamps"], "what is a stamp for"),
     "A stamp is the hourly signed revocation list. It can only subtract, and it proves that the registry is alive."),
    (term(["a TEE", "a trusted execution environment", "an enclave"], "what is confidential computing",
          "what is confidential compute", "what is protected hardware", "what is TDX"),
     "A TEE is a protected part of a machine that its owner cannot read. Cocoon knows Intel TDX, AMD SEV-SNP and "
     "NVIDIA GPUs in confidential mode."),
    (["which GPUs are supported", "which GPUs work", "what GPU do I need", "which hardware do I need",
      "which hardware is supported", "do I need a GPU", "can I use my GPU"],
     "A private node needs Intel TDX or AMD SEV-SNP and an NVIDIA Hopper or Blackwell GPU in confidential mode. An "
     "open node may be any machine."),
    (["what happens if the appraisal fails", "what if attestation fails", "what if verification fails",
      "what if the evidence is wrong", "what if a node is not what it says", "why was my message not sent"],
     "Then nothing is sent. The app says which step failed and looks for another node."),
    (["what is a development machine", "what is a simulated TEE", "what is a simulated machine",
      "what does not private mean", "why does it say development machine"],
     "A development machine only simulates a TEE. The app labels it plainly: development machine, not private."),
    (["what is a proof", "what does the proof show", "how can I see the proof", "show me the proof",
      "where is the proof", "how can I check this answer", "how can I verify this answer",
      "what is the mark by an answer"],
     "Tap the mark by an answer to open its proof: what was verified, step by step, and who can see what. The evidence "
     "can be exported."),

    # Money.
    (term(["GRAM"], "which coin do you use", "what is the coin", "what is Toncoin", "what is the currency",
          "what happened to Toncoin"),
     "GRAM is the coin of TON, renamed from Toncoin in June 2026. One GRAM is a billion nanograms."),
    (term(["a nanogram", "nanograms"], "how many nanograms are in a GRAM", "what is the smallest amount"),
     "A nanogram is the smallest amount: one GRAM is 1000000000 nanograms."),
    (term(["TON"], "which blockchain do you use", "which chain is it on", "what is The Open Network",
          "which network do you use"),
     "TON is The Open Network, the blockchain on which Cocoon is paid. Its coin is GRAM."),
    (term(["a channel", "channels", "a payment channel"], "where is my deposit", "where is my money",
          "who holds my money",
          "who holds my deposit", "are deposits pooled"),
     "A channel is your own prepaid escrow contract on TON with one broker. Deposits are not pooled."),
    (term(["a voucher", "vouchers"], "what is a voucher for", "what do I sign", "what does my device sign",
          "who signs a voucher", "when is a voucher signed"),
     "A voucher is signed by your payer key before a job: a floor owed outright and a ceiling against a receipt, until "
     "a date."),
    (term(["a receipt", "receipts"], "who signs a receipt", "what is a receipt for", "how do I know what it cost",
          "how is usage counted"),
     "A receipt is the node's signature on the running total of a lane. Your device checks it against what it saw."),
    (term(["a hold", "holds"], "what does reserved mean", "what does reserved until mean", "why are coins reserved"),
     "A hold is the broker's countersignature on a voucher: these coins are reserved until its date."),
    (term(["a lane", "lanes"], "what is a lane for"),
     "A lane is one payer key, one payee and one receipt key within a channel. Totals run along it."),
    (term(["a claim", "claims"], "how is a voucher redeemed", "who can claim", "how do I claim"),
     "A claim redeems vouchers on chain. A provider can claim without the broker."),
    (term(["settlement", "a settlement"], "how are payments settled", "when is a payment settled",
          "how does settlement work"),
     "Settlement is the batch process that claims vouchers on chain. Vouchers replace one another, so a thousand jobs "
     "settle as one claim."),
    (term(["a payer key", "payer keys"], "which key signs vouchers", "what is a payer key for"),
     "A payer key is the key of one device that signs vouchers. It has a limit and a date."),
    (["what is a floor", "what is a ceiling", "what are floor and ceiling", "explain floor and ceiling",
      "define ceiling", "define floor", "what is the difference between floor and ceiling"],
     "The floor of a voucher is owed outright. The ceiling is the most that a receipt can claim."),
    (term(["a job", "jobs"], "what is a task", "what is a request"),
     "A job is one inference request and its life: matched, held, running, then done, failed or cancelled."),
    (term(["an offer", "offers"], "who sets the price", "who decides the price", "how are prices set"),
     "An offer is a node's terms: its price in nanograms per million tokens. The provider sets it."),
    (["how much does it cost", "what does it cost", "what is the price", "how much do I pay", "is it expensive",
      "how much is a question", "what does a question cost", "what does an answer cost", "what do you charge",
      "how much do you charge", "what is the price per message", "how much does a message cost"],
     "You pay per token. The app shows an estimate before you send and the exact cost from the receipt after."),
    (["is it free", "is Cocoon free", "can I try it for free", "do I have to pay", "is there a free trial"],
     "Answers are paid per token from your channel. I am only a demonstration, so ask me what you like."),
    (["how do I pay", "how does payment work", "how do I top up", "how do I add funds", "how can I add money",
      "how are payments made", "how do I deposit", "how can I put money in", "how do I put coins in",
      "how do I charge my wallet", "how do I open a channel", "how do I buy tokens"],
     "Open Wallet, choose an amount of GRAM and confirm once in your TON wallet. That opens or tops up your channel."),
    (["what is the minimum deposit", "how much do I need to start", "what is the smallest deposit",
      "how much GRAM do I need", "what is the minimum"],
     "A channel opens from 0.2 GRAM, with no stake and one confirmation in your wallet."),
    (["how do I connect my wallet", "how do I connect a TON wallet", "connect my wallet", "how can I link my wallet",
      "which wallet can I use", "how do I add my wallet"],
     "Open Wallet, press Connect, choose your TON wallet and approve the request there."),
    (["how do I get my money back", "how do I withdraw", "can I withdraw", "how do I close my channel",
      "how do I take everything back", "can I get a refund", "how can I leave", "what if I want to leave"],
     "Open Wallet and request close. After the challenge period of 48 hours everything unclaimed returns to you, "
     "without anybody's consent."),
    (["what is the challenge period", "how long is the challenge period", "how long does closing take",
      "why must I wait 48 hours"],
     "The challenge period is 48 hours. It gives providers time to claim what they are owed before a channel closes."),
    (["can I be overcharged", "can a node charge too much", "can somebody take my money",
      "can the broker take my money", "can the broker steal my deposit", "can they steal my coins",
      "who can take my money"],
     "No coin goes to a payee without your signature, and nobody is paid above the receipt or the ceiling. The broker "
     "alone can move nothing but its fee."),
    (["what is the fee", "what does the broker earn", "is there a fee", "how much is the fee", "can the fee change"],
     "The broker's fee is fixed when your channel opens. It never changes for an open channel."),
    (["what is a spending limit", "what is the limit of this device", "can I limit what I spend",
      "how do I limit spending", "can I set a budget"],
     "Each device has its own spending limit. A payer key can never spend more than that."),
    (["what if I lose my phone", "what if I lose my device", "what if my payer key is stolen", "I lost my phone",
      "what if my phone is stolen", "how do I revoke a device", "how do I revoke a key"],
     "Revoke its payer key from another device with your wallet. A stolen payer key loses at most its "
     "remaining limit."),
    (["do I lose money if I lose my key", "what if I lose my payer key", "what happens if a key is lost"],
     "Losing a payer key loses no money. Another is added with one confirmation in your wallet."),
    (["what if the broker vanishes", "what if the broker goes away", "what happens if the broker is offline",
      "do I need the broker", "what if the broker is evil"],
     "A provider can claim without the broker, and a user can leave without the broker."),

    # A job's life.
    (["what if a node fails", "what if the node goes offline", "what happens if a node fails",
      "what if the node is full", "what if a node is gone", "what if there is no answer", "what if the answer stops"],
     "If the node is gone or full before it answers, your device seals the key to another one: at most two attempts, "
     "then a clear error. A partial answer is marked incomplete."),
    (["what happens if I close the app", "can I close the app", "what if I go offline", "can I come back later",
      "how long is an answer kept", "what if I lose my connection", "how do I resume an answer"],
     "Sealed frames wait for you for 24 hours or until your device acknowledged them. The answer goes on "
     "where you left."),
    (["how do I stop an answer", "can I cancel", "how do I cancel a job", "can I stop it", "how do I cancel"],
     "Press Stop. The job is cancelled and you pay only for what was produced."),
    (["what is a token", "what are tokens", "explain tokens", "define token", "what does token mean",
      "how are tokens counted"],
     "A token is a small piece of text. Models read and write tokens, and usage is counted in them."),
    (["what is streaming", "how does streaming work", "explain streaming", "why does the text come in pieces",
      "why do words appear one by one"],
     "Streaming sends an answer while it is written, in padded sealed frames. The first token is sent at once."),
    (["which models can I use", "which models are there", "what models do you have", "can I choose a model",
      "how do I choose a model", "how do I change the model", "which model is best"],
     "Open the model picker: it shows each model with its price, speed and reliability."),
    (["can I send a picture", "can I send images", "do you understand images", "can you see images"],
     "I read text only. Other models on the network may take images; the model picker says so."),

    # The app and the other doors.
    (term(["the Mini App", "a Mini App"], "where do I find the app", "how do I open Cocoon", "how do I start"),
     "The Mini App is Cocoon inside Telegram. Open it from a chat, type a question and press Send."),
    (["which screens are there", "what is in the app", "which screens does the app have", "what can I see in the app"],
     "Chat, Proof, Wallet, History, Provide, Network and Settings."),
    (["do I need Telegram", "can I use Cocoon without Telegram", "is there a CLI", "is there an SDK",
      "can I use it from the command line", "how do developers use Cocoon", "is there an API"],
     "Without Telegram you can use the client: an SDK and a CLI. They sign in with a wallet or a payer key."),
    (["is it compatible with OpenAI", "is there an OpenAI API", "can I use the OpenAI library",
      "is it OpenAI compatible", "which API format do you use"],
     "What is sealed is an OpenAI chat completions body, and back comes its stream of chunks. The client has a local "
     "gateway for it."),
    (["how do I sign in", "what is a sign-in", "what is sign-in", "do I need an account", "do I need a password"],
     "Telegram or your wallet identifies you to the broker for a short web session. There is no password."),
    (["can I use several devices", "does it sync", "can I sync my history", "how do I add a device"],
     "Yes. Each device has its own payer key, and encrypted sync of your history is optional."),

    # Providing.
    (["how do I run a node", "how can I become a provider", "how do I become a provider", "how do I start a node",
      "how do I add a node", "how can I provide a GPU", "how do I set up a node", "how do I install a node",
      "how to run my own node", "how do I host a node", "how can I run my own node"],
     "Type worker-node init, answer its questions about wallet, engine and prices, then worker-node run. No inbound "
     "port is needed."),
    (["how do I earn", "how can I earn with my GPU", "how do providers earn", "how does a provider get paid",
      "how much can I earn", "can I earn GRAM", "how are nodes paid"],
     "A provider earns GRAM for every token its nodes serve, at its own price. The node claims its vouchers on chain."),
    (["is there a stake", "do I need a stake", "do providers need a stake", "how much must a provider deposit"],
     "No. Neither users nor providers need a stake."),
    (["which engines are supported", "which engine can I use", "what is an engine", "do you support vLLM",
      "does it work with Ollama", "can I use llama.cpp"],
     "A node works with vLLM, SGLang, llama-server and Ollama, or with llama.cpp embedded for any GGUF."),
    (["how do I stop a node", "what is draining", "what does drain do", "how do I drain a node",
      "how do I update my node"],
     "Type worker-node drain. The node takes no new jobs, finishes those it has, and stops."),
    (["how do I see my earnings", "where are my earnings", "what did my node earn", "how do I check my node",
      "how do I check a node", "is my node healthy"],
     "Type worker-node status for health and worker-node earnings for money, or open Provide in the app."),
    (["something is wrong with my node", "my node does not work", "how do I fix my node", "what does doctor do",
      "my node is broken", "why does my node not start"],
     "Type worker-node doctor. It checks each part and says what to type next."),

    # The model itself.
    (["who are you", "what are you", "which model are you", "what model is this", "which llm is this",
      "what is your name", "are you ChatGPT", "are you a human", "are you a robot", "introduce yourself",
      "tell me about yourself", "are you an AI", "what is cocoon-demo", "what is the demo model"],
     "I am cocoon-demo, a tiny demonstration model. I know a few things about Cocoon and I may be wrong."),
    (["who made you", "who trained you", "who created you", "how were you made", "how were you trained",
      "where do you come from", "what were you trained on"],
     "I was trained from scratch on a CPU in minutes, on dialogues generated by this project."),
    (["what can you do", "help", "what can I ask you", "what do you know", "what can I ask", "how can you help me",
      "what should I ask", "give me an example question"],
     "I can:\n\n- answer short questions about **Cocoon**\n- repeat a word you type\n- name capitals and opposites\n"
     "- count, tell a joke or a story\n\nI am tiny and may be wrong."),
    (["are you always right", "can I trust you", "why should I trust you", "can you be wrong", "are you ever wrong",
      "do you make mistakes", "is that true", "are you sure", "is that right"],
     "No. I am a tiny demonstration model and I am often wrong. Choose a larger model for real questions."),
    (["how big are you", "how many parameters do you have", "how large are you", "how small are you"],
     "I have about two million parameters. Large models have thousands of times more."),
    (["do you remember me", "do you learn from me", "do you learn from my messages", "are you trained on my data",
      "do you use my data for training"],
     "No. I see only this conversation and learn nothing from it."),
]

TABLE_WHO_SEES_WHAT = (
    "| who | sees | never sees |\n|---|---|---|\n"
    "| your device | everything | - |\n"
    "| the broker | who, when, model, padded sizes, amounts | content |\n"
    "| a private node | the question and the answer | who you are |\n"
    "| the chain | deposits and claims | content |\n\n"
    "Only your device and the node hold the keys.")

SHOWPIECES = [
    (["show me a table of who sees what", "who sees what", "make a table of who sees what", "who can see what",
      "table of who sees what", "show me a table", "give me a table", "write a table"],
     TABLE_WHO_SEES_WHAT),
    (["list the three parties", "who are the three parties", "what are the three parties", "name the three parties",
      "who takes part in Cocoon", "list the parties", "give me a list", "show me a list"],
     "Three parties, one rule each:\n\n"
     "1. **User**: verifies the machine, encrypts to it and signs every charge.\n"
     "2. **Broker**: matches, relays, meters and settles; holds no key that opens a question.\n"
     "3. **Provider**: proves what it runs, opens only what is sealed to it, signs what it used."),
    (["write hello world in Python", "hello world in Python", "show me Python code", "show me some code",
      "write some code", "write a program", "write Python code", "show me a code block", "can you code"],
     "Here it is:\n\n```python\ndef greet(name):\n    print(f\"Hello, {name}!\")\n\ngreet(\"world\")\n```\n\n"
     "Save it as `hello.py` and run `python3 hello.py`."),
    (["write hello world in JavaScript", "hello world in JavaScript", "show me JavaScript code",
      "write JavaScript code", "write hello world in TypeScript"],
     "Here it is:\n\n```js\nconst greet = (name) => `Hello, ${name}!`;\n\nconsole.log(greet(\"world\"));\n```\n\n"
     "Save it as `hello.js` and run `node hello.js`."),
    (["show me the commands for a node", "which commands does worker-node have", "list the commands of worker-node",
      "what are the commands of worker-node", "show me the node commands"],
     "The node has one command for each thing:\n\n```sh\nworker-node init      # write the configuration\n"
     "worker-node run       # start the node\nworker-node status    # health and link\n"
     "worker-node doctor    # find what is wrong\nworker-node earnings  # what was earned\n"
     "worker-node drain     # stop cleanly\n```"),
    (["compare a private node and an open node", "table of private and open nodes",
      "show me a table of private and open nodes", "compare private and open nodes"],
     "| | private node | open node |\n|---|---|---|\n"
     "| whole stack attested | yes | no |\n"
     "| engine | inside the image | anywhere |\n"
     "| sealed to by default | yes | no |\n"
     "| label | private | open |"),
    (["show me a formula", "how is the price calculated", "write a formula", "what is the formula for the price",
      "how is the cost calculated", "show me math"],
     "Tokens of each kind are rounded up to 64, priced, summed and divided once:\n\n"
     "$$\\text{cost} = \\left\\lceil \\frac{\\sum_i n_i p_i}{10^6} \\right\\rceil$$\n\n"
     "Here $n_i$ are tokens and $p_i$ is the price per million, in nanograms."),
    (["explain step by step how a question travels", "how does a question travel", "explain it step by step",
      "explain step by step how it works", "what happens step by step", "describe the life of a question",
      "walk me through a question", "step by step please", "give me a long answer", "explain in detail how it works"],
     "How a question travels, step by step:\n\n"
     "1. **Match.** Ahead of need, your device asks the broker for candidates: nodes with signed statements and "
     "evidence.\n"
     "2. **Appraise.** Your device verifies the evidence itself: hardware, firmware, measured image, GPU and keys. "
     "If one step fails, nothing is sent.\n"
     "3. **Seal.** When you press Send, the question is sealed once. Its key is wrapped to the chosen node, and your "
     "payer key signs a voucher.\n"
     "4. **Relay.** The broker countersigns the voucher, which is the hold, and passes sealed bytes to the node. "
     "It cannot open them.\n"
     "5. **Open.** The node checks sizes, signatures and price first. Only then it opens the question and runs the "
     "model.\n"
     "6. **Stream.** The answer comes back in padded sealed frames. The first token is sent at once.\n"
     "7. **Receipt.** The last frame carries usage and a receipt. Your device checks it against what it saw.\n"
     "8. **Settle.** Later, many vouchers settle on TON as one claim, paid in GRAM.\n\n"
     "Nothing is signed after a job, and normally there is one round trip from Send to the first token."),
    (["tell me a long story about a silk worm", "tell me a story", "tell me a story about a silk worm",
      "tell me a long story", "write a story", "write a long story", "write a story about a silk worm", "story please",
      "tell me a fairy tale", "write a long text"],
     "# The silk worm who kept a secret\n\n"
     "Once upon a time a small silk worm lived in a mulberry tree. All the animals came to her with their questions, "
     "because she was a good listener.\n\n"
     "One day a young bird asked, \"How do I learn to fly if I am afraid?\" But the crow on the next branch heard it "
     "and told the whole forest. The bird was ashamed and asked no more.\n\n"
     "The silk worm was sad. She thought for a night and a day. Then she began to spin. Round and round she went, "
     "thread by thread, until there was a little white house with no door and no window.\n\n"
     "\"From now on,\" she said, \"wrap your question in silk before you send it. The wind may carry it, but the wind "
     "cannot read it. I will open it inside my house, and wrap the answer again.\"\n\n"
     "The bird was still careful. \"How do I know that it is your house, and not a trap of the crow?\" The silk worm "
     "smiled. \"Look at the thread. No other worm can spin it. Check it first, and send nothing if it is wrong.\"\n\n"
     "So the bird looked, and wrapped, and asked. The wind carried the question and learned nothing. In the morning "
     "the answer came back, and only the bird could read it: *\"Jump when the wind is soft. I was afraid too.\"*\n\n"
     "That summer the bird learned to fly, and when the white house opened at last, the silk worm had wings as well."),
    (["list the words of Cocoon", "give me a glossary", "list the important words", "show me the glossary",
      "which words should I know"],
     "The most important words:\n\n"
     "- **node**: one machine that answers\n- **provider**: who is paid for it\n- **broker**: matches and relays\n"
     "- **sealed**: encrypted to one node\n- **evidence**: what the machine states about itself\n"
     "- **voucher**: your signature before a job\n- **receipt**: the node's signature after it\n"
     "- **channel**: your prepaid escrow on TON"),
]

SMALL_TALK = [
    (["hi", "hello", "hey", "hello there", "hi there", "good morning", "good evening", "good afternoon", "hey there",
      "greetings", "hi cocoon", "hello cocoon", "yo"],
     "Hello! I am a tiny demonstration model. Ask me about Cocoon."),
    (["how are you", "how are you doing", "how is it going", "are you ok", "what's up", "how do you feel"],
     "I am fine, thank you. What would you like to know about Cocoon?"),
    (["thanks", "thank you", "thank you very much", "thanks a lot", "many thanks", "thx", "great, thanks", "ok thanks",
      "cool, thank you"],
     "You are welcome!"),
    (["bye", "goodbye", "see you", "good night", "see you later", "bye bye"], "Goodbye! Your history stays with you."),
    (["ok", "okay", "fine", "good", "great", "cool", "nice", "I see", "yes", "good answer", "well done"],
     "Good. What else would you like to know?"),
    (["no", "wrong", "that is wrong", "bad answer", "that is not right", "you are wrong", "nope"],
     "I am sorry. I am a tiny demonstration model and I may be wrong."),
    (["are you there", "test", "ping", "testing", "is anybody there", "does this work"], "Yes, I am here."),
    (["tell me a joke", "say something funny", "do you know a joke", "a joke please", "joke", "make me laugh"],
     "Why did the silk worm like private nodes? Nobody could see it spin."),
    (["write a haiku", "write a poem", "a haiku please", "haiku", "write a haiku about privacy", "write a short poem",
      "make a poem"],
     "Sealed words cross the wire,\na quiet node reads and thinks.\nOnly you hear it."),
    (["sing a song", "write a song", "sing something"], "La la la, I am too small to sing. Shall I write a haiku?"),
    (["I love you", "you are nice", "you are great", "I like you"], "That is kind of you. Thank you!"),
    (["what is the meaning of life", "what is the answer to everything"], "42, they say. I am too small to know."),
    (["which day is it", "what time is it", "what is the date today", "what day is today"],
     "I have no clock, so I do not know."),
    (["what is the weather", "how is the weather", "will it rain today", "what is the weather today"],
     "I have no window and no network, so I do not know."),
    (["say hello", "say hi", "greet me"], "Hello!"),
]

RUSSIAN = [
    (["привет", "здравствуй", "здравствуйте", "добрый день", "доброе утро", "добрый вечер", "хай"],
     "Привет! Я крошечная демонстрационная модель. Спросите меня о Cocoon."),
    (["кто ты", "что ты такое", "кто вы", "какая ты модель", "как тебя зовут", "ты кто"],
     "Я cocoon-demo, крошечная демонстрационная модель. Я знаю немного о Cocoon и могу ошибаться."),
    (["что такое Cocoon", "что это", "что это за приложение", "расскажи о Cocoon", "что делает Cocoon"],
     "Cocoon — это приватный ИИ в Telegram. Ваше устройство запечатывает вопрос для проверенного узла, и никто между "
     "ними не может его прочитать."),
    (["как это работает", "как работает Cocoon", "объясни как это работает"],
     "Устройство проверяет узел, запечатывает вопрос и подписывает ваучер. Брокер передаёт только запечатанные байты. "
     "Узел отвечает и подписывает квитанцию."),
    (["кто видит мои сообщения", "кто может прочитать мои сообщения", "это приватно", "это безопасно",
      "кто читает мои вопросы"],
     "Вопрос запечатан на вашем устройстве и открывается только внутри узла. Брокер не видит содержания."),
    (["как платить", "как пополнить", "сколько это стоит", "как пополнить баланс", "это бесплатно"],
     "Оплата за токены в GRAM. Откройте кошелёк в приложении и пополните канал одним подтверждением."),
    (["что такое GRAM", "какая монета", "что такое TON"],
     "GRAM — монета сети TON. Один GRAM — миллиард нанограммов."),
    (["спасибо", "большое спасибо", "спасибо большое", "благодарю"], "Пожалуйста!"),
    (["пока", "до свидания", "спокойной ночи"], "До свидания!"),
    (["что ты умеешь", "помощь", "помоги", "что можно спросить"],
     "Я отвечаю на простые вопросы о Cocoon и повторяю слова. Я крошечная модель и могу ошибаться."),
]

CAPITALS = dict(
    France="Paris", Germany="Berlin", Spain="Madrid", Italy="Rome", Japan="Tokyo", China="Beijing", India="New Delhi",
    Russia="Moscow", Canada="Ottawa", Brazil="Brasilia", Egypt="Cairo", Greece="Athens", Norway="Oslo",
    Sweden="Stockholm", Finland="Helsinki", Poland="Warsaw", Turkey="Ankara", Kenya="Nairobi", Peru="Lima",
    Cuba="Havana", Portugal="Lisbon", Austria="Vienna", Hungary="Budapest", Ireland="Dublin", Ukraine="Kyiv",
    England="London", Denmark="Copenhagen", Switzerland="Bern", Belgium="Brussels", Mexico="Mexico City")

OPPOSITES = dict(
    hot="cold", big="small", open="closed", light="dark", fast="slow", up="down", left="right", day="night", old="new",
    good="bad", happy="sad", high="low", full="empty", early="late", loud="quiet", rich="poor", strong="weak",
    public="private", true="false", wet="dry", hard="soft", first="last", sealed="opened", yes="no")

FACTS = [
    (["what colour is the sky", "what color is the sky"], "The sky is blue."),
    (["what colour is snow", "what color is snow"], "Snow is white."),
    (["what colour is grass", "what color is grass"], "Grass is green."),
    (["name the days of the week", "which days are in a week", "list the days of the week"],
     "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday and Sunday."),
    (["name the months", "list the months", "which months are in a year"],
     "January, February, March, April, May, June, July, August, September, October, November and December."),
    (["name three colours", "name three colors", "list some colours"], "Red, green and blue."),
    (["name three animals", "list some animals"], "A cat, a dog and a silk worm."),
    (["what is a silk worm", "what is a cocoon"],
     "A silk worm is a caterpillar. It spins a cocoon of silk, and a moth comes out."),
    (["say the alphabet", "write the alphabet", "what is the alphabet"],
     "a b c d e f g h i j k l m n o p q r s t u v w x y z"),
]

DEFAULT_ANSWER = (
    "I am a tiny demonstration model and only know a few things about Cocoon. Ask me what a node, a broker or a "
    "voucher is, or ask me to repeat a word.")
DEFAULT_ARITHMETIC = "I am too small for arithmetic. Please use a larger model, or ask me about Cocoon."
DEFAULT_CAPITAL = "I do not know that capital. I only know a few."
DEFAULT_RUSSIAN = "Я крошечная демонстрационная модель и знаю только немного о Cocoon. Спросите, что это такое."
