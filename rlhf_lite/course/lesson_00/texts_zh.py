"""What lesson 00 says, in Chinese: English sentence -> its translation."""

FIGURES = {
    "0  Pretraining": "0  预训练",
    "many texts of every kind": "各种各样的大量文本",
    "base model": "基座模型",
    "continues\na text": "续写文本",
    "1  Supervised\nfine-tuning (SFT)": "1  监督微调\n（SFT）",
    "prompts, each with\nan answer by a person": "提示词，各配一个\n人写的回答",
    "SFT model": "SFT 模型",
    "copies such\nanswers": "模仿这样的回答",
    "2  Reward model": "2  奖励模型",
    "several answers per prompt,\nranked by people": "每个提示词几个回答，\n由人排序",
    "reward model": "奖励模型",
    "gives an answer\na score": "给回答一个得分",
    "3  Reinforcement\nlearning (PPO)": "3  强化学习\n（PPO）",
    "prompts alone;\nthe score judges": "只有提示词；\n由得分来评判",
    "PPO, PPO-ptx": "PPO、PPO-ptx",
    "seeks answers\nthat score high": "寻找得分高的回答",
    "starts\nas": "以此\n为起点",
    "gives\nscores": "给出\n得分",
    "starts as": "以此为起点",
    "The four stages from left to right. 0, pretraining: many texts make the base model, which continues a text. "
    "1, supervised fine-tuning: prompts with answers written by people make the SFT model, which starts as the base model "
    "and copies such answers. 2, reward model: answers ranked by people teach a model that starts as the SFT model to give an "
    "answer a score. 3, reinforcement learning: the SFT model goes on learning from prompts alone, and seeks answers that score "
    "high. With some pretraining text mixed in, stage 3 is called PPO-ptx.":
        "从左到右是四个阶段。0，预训练：大量文本造出基座模型，它续写文本。1，监督微调：提示词配上人写的回答，造出 SFT 模型，"
        "它以基座模型为起点，模仿这样的回答。2，奖励模型：由人排序的回答，教一个以 SFT 模型为起点的模型给回答打出一个得分。"
        "3，强化学习：SFT 模型只凭提示词继续学习，寻找得分高的回答。混入一些预训练文本的阶段 3 叫作 PPO-ptx。",
    "davinci\nGPT-3\n+ language, knowledge,\nlearning from examples": "davinci\nGPT-3\n+ 语言、知识、\n从例子中学习",
    "code-cushman-001\nCodex, 12B\n+ writing programs": "code-cushman-001\nCodex，12B\n+ 会写程序",
    "text-davinci-001\nInstructGPT's stage 1\n+ following instructions": "text-davinci-001\nInstructGPT 的阶段 1\n+ 听从指令",
    "code-davinci-002\n+ programs, and probably\nlong chains of reasoning":
        "code-davinci-002\n+ 写程序，很可能还有\n长的推理链",
    "text-davinci-002\n+ following instructions\n\u2212 some learning from\nexamples":
        "text-davinci-002\n+ 听从指令\n\u2212 一部分从例子中\n学习的能力",
    "text-davinci-003\n+ some of that again,\nneutral, detailed answers": "text-davinci-003\n+ 找回一部分，\n回答中立、详细",
    "ChatGPT\n+ memory of a dialogue\n\u2212 most learning from\nexamples":
        "ChatGPT\n+ 记得住对话\n\u2212 大部分从例子中\n学习的能力",
    "code": "代码",
    "supervised": "监督微调",
    "RLHF": "RLHF",
    "RLHF on dialogues": "对话上的 RLHF",
    " by {how}": "，经由{how}",
    "{child} from {parent}{by}": "{child} 来自 {parent}{by}",
    ", gained": "，得到",
    ", lost": "，失去",
    "Family tree. {told}. Descent: {born}.": "家谱。{told}。来历：{born}。",
    "right answers of 20": "20 次中答对的次数",
    "mean gold score: higher is better": "平均金标准得分：越高越好",
    "loss on unseen text: lower is better": "在未见文本上的损失：越低越好",
}  # fmt: skip
CHECKS = {
    "PPO lost before - ppo, and ppo_ptx - ppo of it came back": "PPO 失去了 before - ppo，其中 ppo_ptx - ppo 又挽回了",
    "this is the share that stayed lost; ask for the share that came back": "这是没能挽回的占比；要的是挽回的占比",
    "this is how much came back; divide by how much was lost": "这是挽回了多少；还要除以失去了多少",
    "divide by what was lost, before - ppo, not by the whole score": "要除以失去的部分，即 before - ppo，而不是整个得分",
    "this is the share of the score that is left; count from ppo upwards": "这是得分还剩几成；要从 ppo 往上数",
    "the signs differ: take both differences from ppo upwards": "符号反了：两个差都要从 ppo 往上取",
    "this is percent; 0.75 is asked": "这是百分数；要的是 0.75",
    "ptx may end above the score before PPO: then the share is more than 1":
        "加上 ptx 之后可能高过 PPO 之前的得分：这时占比大于 1",
    "do not stop at 1: what is above the old score counts too": "不要停在 1：高出原来得分的部分也要算",
    "with ptx it may even get worse: then the share is below 0": "加上 ptx 甚至可能更差：这时占比小于 0",
    "do not stop at 0": "不要停在 0",
    "do not drop the sign: here it got worse": "不要丢掉负号：这里变差了",
    "count wins and losses, one prompt after the other; zip(ours, theirs) gives the pairs":
        "逐个提示词数胜场和负场；zip(ours, theirs) 给出一对一对的得分",
    "the tie decided nothing: divide by wins + losses, not by all prompts":
        "平局不分胜负：要除以胜场加负场，而不是除以提示词总数",
    "a tie is not half a win here: leave it out of both counts": "这里平局不算半个胜场：胜场和负场都不要计入它",
    "this is the share of the other model: a win is a higher score of ours": "这是对方模型的占比：ours 的得分更高才算胜",
    "this is the number of wins; the share is that number divided by wins + losses": "这是胜场数；占比是它除以胜场加负场",
    "only differences of at least `tie` decide": "差距至少为 `tie` 才分出胜负",
    "0.53 against 0.50 is a tie: the difference must be at least `tie`": "0.53 对 0.50 是平局：差距必须至少为 `tie`",
    "where nothing was decided, wins + losses is 0: return 0.5": "没有分出任何胜负时，胜场加负场是 0：请返回 0.5",
    "where nothing was decided neither model is better: return 0.5": "没有分出任何胜负时，两个模型不分高下：请返回 0.5",
    "one won, one lost": "一胜一负",
    "`tie` is an argument, here 0.25; a difference of exactly `tie` decides":
        "`tie` 是参数，这里是 0.25；差距恰好等于 `tie` 也分出胜负",
    "here `tie` is 0.25: take the argument, so that 1.0 against 0.9 is a tie":
        "这里 `tie` 是 0.25：要用传入的参数，那么 1.0 对 0.9 就是平局",
    "only a difference *smaller* than `tie` decides nothing: one of exactly `tie` does, so use >=":
        "只有*小于* `tie` 的差距才不分胜负：恰好等于 `tie` 就分出了，所以用 >=",
    "only a difference *smaller* than `tie` is a tie: compare with >=": "只有*小于* `tie` 的差距才是平局：请用 >= 比较",
}  # fmt: skip
QUIZ = {
    "Why does a base model often answer a question with a question?": "为什么基座模型常常用一个问题来回答一个问题？",
    "It does not know the answer.": "它不知道答案。",
    "It may well know it. What it lacks is the aim to answer.": "它很可能知道。它缺的是回答的意图。",
    "In its texts a question is often followed by another one.": "在它读过的文本里，一个问题后面常常跟着另一个问题。",
    "It was trained to predict what comes next, and it does.": "它受的训练是预测接下来会出现什么，它也正是这样做的。",
    "It wants to know more before it answers.": "它想先多了解一些，再回答。",
    "It wants nothing: it writes what usually comes next.": "它什么也不想：它只是写出通常接下来会出现的东西。",
    "Which stage needs people only to compare answers, not to write them?": "哪个阶段只需要人来比较回答，而不用写回答？",
    "Stage 0, pretraining": "阶段 0，预训练",
    "Pretraining needs plain text and nobody's work on it.": "预训练只需要纯文本，不需要任何人加工。",
    "Stage 1, SFT": "阶段 1，SFT",
    "SFT copies demonstrations, so somebody must write them.": "SFT 模仿示范，所以得有人把示范写出来。",
    "Stage 2, the reward model": "阶段 2，奖励模型",
    "Comparing is quicker than writing, and one can rank answers better than one's own.":
        "比较比写作快，而且就算是自己写不出的好回答，也能排出高下。",
    "In the toy example all three scores are raised by 5. What happens to the three probabilities?":
        "在手算的例子里，三个得分都加 5。三个概率会怎样？",
    "Nothing.": "没有变化。",
    "All weights are multiplied by the same number, and the division by the sum takes it out: differences matter.":
        "所有权重都乘上同一个数，除以总和时又约掉了：起作用的是差。",
    "All three grow.": "三个都变大。",
    "They cannot: they sum to 1. Try it in the cell.": "不可能：它们的和是 1。在单元格里试试。",
    "They become equal.": "变得相等。",
    "The ratios of the weights stay as they were. Try it in the cell.": "权重之间的比例没有变。在单元格里试试。",
    "PPO's reward-model score goes up and up. Is the model getting better?": "PPO 的奖励模型得分一路上升。模型在变好吗？",
    "Yes: that is what the score means.": "是的：得分就是这个意思。",
    "The score comes from a small model with faults, and PPO finds them.":
        "得分来自一个有缺陷的小模型，而 PPO 会找到这些缺陷。",
    "Not necessarily.": "不一定。",
    "One has to look with something that was not trained on: people, or here the judge. Lesson 14 shows both.":
        "要用没有拿来训练过的东西去看：人，或者这里的裁判。第 14 课两者都讲。",
    "No: a rising score is always a fault.": "不：得分上升总是坏事。",
    "Up to a point better answers do score higher. Only the score alone cannot tell.":
        "在一定限度内，更好的回答确实得分更高。只是光看得分分辨不出来。",
    "Is it known that ChatGPT's reasoning comes from training on code?": "ChatGPT 的推理能力来自在代码上的训练，这是已知的吗？",
    "Yes, its makers published it.": "是的，造它的人公布过。",
    "They published the method, InstructGPT's on conversations, not where each ability comes from.":
        "他们公布的是方法，即把 InstructGPT 的方法用在对话上，而不是每种能力来自哪里。",
    "No, it is a guess from outside.": "不是，这是外部的猜测。",
    "There are good arguments for it, but it is an inference.": "支持它的理由不错，但它仍是推断。",
    "No, it was shown to be wrong.": "不是，已经证明它是错的。",
    "Nothing published here decides it either way.": "目前公布的材料都不足以判定对错。",
}  # fmt: skip
TEXTS = FIGURES | CHECKS | QUIZ
