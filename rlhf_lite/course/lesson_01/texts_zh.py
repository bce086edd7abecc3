"""What lesson 01 says, in Chinese: English sentence -> its translation."""

WIDGETS = {
    "text so far": "目前的文本",
    "temperature": "温度",
    "all": "全部",
    "Draw a token": "抽一个词元",
    "Draw a token and add it to the text": "抽一个词元，接到文本后面",
    "{n} of {total} tokens can be drawn.": "{total} 个词元中有 {n} 个可能被抽到。",
    "Type the beginning of a text.": "请输入一段文本的开头。",
    "The bigram model has never read the last word of this text.": "二元模型从没读过这段文本的最后一个词。",
    "The model ends its text here. Change the text to go on.": "模型的文本到此结束。改一改文本，就能继续。",
    "out": "剔除",
    "temperature 1": "温度 1",
    "temperature 0.5": "温度 0.5",
    "temperature 2": "温度 2",
    "top-k 3": "top-k 3",
    "top-p 0.8": "top-p 0.8",
    "The likeliest next tokens under {n} settings. {shown}.": "{n} 种设置下最可能的下一个词元。{shown}。",
}  # fmt: skip
FIGURES = {
    "share in 10 draws": "抽 10 次的占比",
    "share in 100 draws": "抽 100 次的占比",
    "share in 10,000 draws": "抽 10,000 次的占比",
    "ma": "吗 ma",
    "mei": "美 mei",
    "gao": "高 gao",
    "the next word": "下一个词",
    "no idea": "毫无头绪",
    "word counts": "词频",
    "bigram": "二元模型",
    "nats per word: lower is better": "每词奈特数：越低越好",
    "counted table": "数出来的表",
    "{word} from {start} to {end}": "{word} 从 {start} 到 {end}",
    ", hit": "，指中",
    "A line from 0 to 1 with a piece per word, and an arrow at u = {u}. {pieces}.":
        "从 0 到 1 的线段，每个词占一段，箭头指在 u = {u}。{pieces}。",
    "probability that the model gave": "模型给出的概率",
    "surprise (nats)": "惊奇度（奈特）",
    "{word} at {p} has {surprise}": "{word} 在 {p} 处为 {surprise}",
    "Surprise over probability: steep and high near 0, falling to 0 at 1. {marks}.":
        "惊奇度随概率的变化：在 0 附近又高又陡，到 1 处降为 0。{marks}。",
    "step": "步数",
    "loss (nats per word)": "损失（奈特每词）",
    "The loss falls from {first} to {last} in {n} steps. Level lines: {levels}.":
        "损失在 {n} 步内从 {first} 降到 {last}。水平线：{levels}。",
    "base model": "基座模型",
}  # fmt: skip
CHECKS = {
    "a word's probability is its count divided by the sum of all counts, counts.values()":
        "一个词的概率是它的次数除以所有次数的总和，即 counts.values() 之和",
    "divide by the sum of the counts, not by how many words there are": "要除以次数的总和，而不是词的个数",
    "divide by the sum of the counts, not by the largest: the result must sum to 1":
        "要除以次数的总和，而不是最大的次数：结果的和必须是 1",
    "these are percent; probabilities sum to 1": "这是百分数；概率的和是 1",
    "// rounds down to whole numbers; divide with /": "// 会向下取整；请用 / 来除",
    "the first piece of the line reaches from 0 to 0.5, and 0.4 lies in it": "线段上的第一段是 0 到 0.5，0.4 就在其中",
    "the pieces are as long as the probabilities, not equally long; begin with the first word":
        "各段与概率一样长，并不是等长的；请从第一个词开始",
    "the second piece reaches from 0.5 to 0.5 + 0.3: compare u with the sum so far":
        "第二段是 0.5 到 0.5 + 0.3：把 u 与累加的和相比",
    "`you` is the likeliest word, but it must not come every time: u decides":
        "`you` 是最可能的词，但不该每次都出现：由 u 决定",
    "compare u with the probabilities added up so far, 0.5 and then 0.8, not with 0.3 alone":
        "把 u 与累加的概率相比，先是 0.5，再是 0.8，而不是单独与 0.3 相比",
    "each piece begins where the one before it ends: x from 0 up to 0.1, which itself belongs to y":
        "每一段从前一段结束的地方开始：x 从 0 到 0.1，而端点本身属于 y",
    "zip(words, words[1:]) gives each word with the one after it; count the second one in the row of the first":
        "zip(words, words[1:]) 给出每个词和它后面的词；在第一个词的那一行里给第二个词计数",
    "this counts the words; count which word comes after each": "这是在数词本身；要数的是每个词后面跟着哪个词",
    "this looks at the word before; the row is the earlier word": "这是在看前面的词；行应当是先出现的词",
    "`b` came twice after `a`: add 1 each time": "`b` 在 `a` 之后出现了两次：每次都要加 1",
    "nothing comes after the last word: the text does not go round to its beginning":
        "最后一个词后面什么也没有：文本不会绕回开头",
    "every pair of neighbours counts once, the full stop like any other word": "每对相邻的词计一次，句号和其他词一样算",
    "e to the power of each logit, then divide each by the sum of all": "先求 e 的每个 logit 次方，再各自除以总和",
    "divide each weight by the sum of all weights, so that they sum to 1": "每个权重要除以所有权重的总和，这样它们的和才是 1",
    "divide each logit by the temperature before taking exp": "取 exp 之前，先把每个 logit 除以温度",
    "divide by the temperature, do not multiply: a high one makes words more equal":
        "要除以温度，而不是乘：温度高，各个词就更接近",
    "only differences of logits matter": "起作用的只是 logit 之间的差",
    "e ** 1000 is too large for a computer; subtract the largest logit from all: only differences matter":
        "e ** 1000 太大，计算机装不下；从所有 logit 里减去最大的那个：起作用的只是差",
    "0.4 is less than 0.6, so one word is not enough; 0.4 + 0.3 reaches it": "0.4 小于 0.6，所以一个词不够；0.4 + 0.3 就达到了",
    "the word that takes the sum over top_p stays in: 0.4 alone does not reach 0.6":
        "让累加和越过 top_p 的那个词要留下：单凭 0.4 达不到 0.6",
    "the right words are kept; divide by what is left, so that they sum to 1 again":
        "留下的词对了；再除以剩下的总和，让和重新为 1",
    "top_p is compared with the sum of the likeliest words, not with each word alone":
        "与 top_p 相比的是最可能的几个词之和，而不是单独每个词",
    "the likeliest word is the last one here, and it is enough alone": "这里最可能的词是最后一个，单凭它就够了",
    "begin with the likeliest word, wherever it stands in the list": "无论最可能的词排在哪里，都从它开始",
    "the result must be in the order of the words as they were given": "结果必须按词给定时的次序排列",
    "surprise of each word: -log(p); then their mean; then exp of that": "每个词的惊奇度：-log(p)；然后取平均；再取 exp",
    "this is the cross-entropy; the perplexity is exp of it": "这是交叉熵；困惑度是它的 exp",
    "take the mean of the surprises, not their sum: divide by how many words came":
        "要取惊奇度的平均值，而不是总和：除以出现的词数",
    "the surprise is minus log(p): without the minus this is 1 / perplexity":
        "惊奇度是负的 log(p)：漏掉负号，得到的是 1 / 困惑度",
    "take the logarithm of each probability first and the mean afterwards": "先对每个概率取对数，然后再取平均",
    "this is the mean of 1 / p; the mean must be taken of -log(p), and exp of that":
        "这是 1 / p 的平均值；应当取 -log(p) 的平均值，再取 exp",
    # counting
    "the sum is that of all words given, here 6 + 3 + 1 + 2 = 12": "总和是所给的全部词的次数之和，这里是 6 + 3 + 1 + 2 = 12",
    "8 is the example's sum: add up the counts given": "8 是示例里的总和：要把给出的次数加起来",
    "add up all counts, not only the largest and the smallest": "要加上所有次数，而不只是最大的和最小的",
    "do not round: the shares must sum to 1": "不要四舍五入：占比的和必须是 1",
    "ten times 0.1 sums to 0.9999999999999999 in a computer: where no piece is hit, return the last word":
        "在计算机里，十个 0.1 相加得 0.9999999999999999：哪一段也没指中时，返回最后一个词",
    "nothing comes after `c`: leave out its empty row": "`c` 后面什么也没有：去掉它的空行",
    "a word may come after itself": "一个词可以跟在自己后面",
    "a word may come after itself: `so so` is a pair like any other": "一个词可以跟在自己后面：`so so` 和别的词对一样算",
    "the temperature changes nothing yet: divide each logit by it *before* exp; after it, the division by the sum takes it "
    "out again":
        "温度还没有起作用：要在取 exp *之前*把每个 logit 除以它；若在之后，除以总和时它又约掉了",
    "equal logits, equal probabilities": "logit 相等，概率就相等",
    "subtract the *largest* logit from all, then no exponent is above 0": "从所有 logit 里减去*最大*的那个，指数就不会大于 0",
    "subtract the *largest* logit: after the first, the smallest or the mean some exponent is still too large":
        "要减去*最大*的 logit：减去第一个、最小的或平均值，仍会有指数太大",
    "0.5 + 0.3 is the first sum to reach 0.6": "0.5 + 0.3 是第一个至少为 0.6 的和",
    "0.5 + 0.25 is exactly 0.75, and that is enough": "0.5 + 0.25 恰好是 0.75，这就够了",
    "*at least* top_p: a sum of exactly top_p is enough, compare with >=":
        "*至少*为 top_p：和恰好等于 top_p 就够了，所以用 >= 比较",
    "keep places, not values: four tokens are equally likely here and two are enough, the earlier ones first":
        "要记住位置，而不是数值：这里四个词元同样可能，两个就够了，排在前面的优先",
    "equally likely tokens are still several tokens: keep one after the other, by their places":
        "同样可能的词元仍是几个不同的词元：按位置逐个留下",
    "list.index finds the first of equal values every time: keep places instead":
        "list.index 每次都找到相等值中的第一个：请改为记住位置",
    "the mean of the surprises is their sum divided by how many there are": "惊奇度的平均值是它们的和除以个数",
    "divide by how many probabilities there are, here 3, not by 2": "要除以概率的个数，这里是 3，而不是 2",
    "take the mean of the surprises, not their median": "要取惊奇度的平均值，而不是中位数",
    # tensors
    "tokens[:-1] * n_words + tokens[1:] numbers the pairs; count them, then view them as a square table":
        "tokens[:-1] * n_words + tokens[1:] 给词对编号；数一数，再把它们看成一张方表",
    "rows and columns are exchanged: the row is the earlier word": "行和列颠倒了：行是先出现的词",
    "0 1 came twice: table[a, b] += 1 with tensors of places counts each place once; use bincount":
        "0 1 出现了两次：用位置张量写 table[a, b] += 1，每个位置只算一次；请用 bincount",
    "these are the right counts in one row: view them as (n_words, n_words)":
        "次数是对的，但排成了一行：把它们看成 (n_words, n_words)",
    "bincount stops at the largest number that came: give it minlength=n_words * n_words":
        "bincount 只数到出现过的最大编号：给它 minlength=n_words * n_words",
    "this counts words; count pairs of neighbours": "这是在数词；要数的是相邻的词对",
    "there must be n_words * n_words counts before `view`: give bincount that minlength":
        "在 `view` 之前必须有 n_words * n_words 个次数：把它作为 minlength 交给 bincount",
    "the table has a row and a column for every word, also for those that never came":
        "每个词在表里都有一行一列，从没出现过的词也有",
    "gradient: logits.softmax(0) minus the share of each token in `following`; then logits - rate * gradient":
        "梯度：logits.softmax(0) 减去各词元在 `following` 中的占比；然后 logits - rate * gradient",
    "this goes uphill: the loss rises along the gradient, so subtract it": "这是在上坡：沿着梯度损失会升高，所以要减去它",
    "this is the gradient; return the logits after the step": "这是梯度；要返回走完这一步之后的 logit",
    "multiply the gradient by the rate": "要把梯度乘以学习率",
    "the loss is the *mean* over the tokens that followed: divide by their number":
        "损失是对所跟词元取的*平均*：要除以它们的个数",
    "subtract what the model gives already: where it gives the shares, nothing changes":
        "要减去模型已经给出的概率：它给出的恰是占比时，什么也不变",
    "token 1 came and had 0.5: its logit rises by 0.5, the other falls by as much":
        "出现的是词元 1，它原有 0.5：它的 logit 升高 0.5，另一个降低同样多",
    "start from the logits as they are, and take their softmax for the gradient":
        "从现有的 logit 出发，取它们的 softmax 来求梯度",
    "this is the change alone: add it to the logits that were given": "这只是变化量：要把它加到给出的 logit 上",
    "take the softmax of the logits given, not equal probabilities": "要取所给 logit 的 softmax，而不是相等的概率",
    "the gradient needs probabilities: take the softmax of the logits first": "梯度要用概率：先取 logit 的 softmax",
    "the model gives 1/4 and 3/4, and just these shares came: nothing is left to learn":
        "模型给出 1/4 和 3/4，出现的占比恰好也是这样：没有什么可学的了",
    "whoever is always sure and right is never surprised": "总是有把握而且总是对的，就从不感到惊奇",
}  # fmt: skip
QUIZ = {
    "Who writes the right answers from which a model learns to predict the next word?":
        "模型学习预测下一个词，正确答案是谁写的？",
    "Labelers, word by word": "标注员，一个词一个词地写",
    "Nobody labels anything here. Labelers enter in the later stages.": "这里没有人标注任何东西。标注员在后面的阶段才出场。",
    "The text itself": "文本自己",
    "The next word already stands in the text. Any text will do, which is why so much can be used.":
        "下一个词已经写在文本里。任何文本都行，所以能用的才那么多。",
    "The model, for itself": "模型写给自己",
    "A model that learnt only from its own words would hear nothing new.": "只从自己的话里学习的模型，听不到任何新东西。",
    "A bigram model has read a whole library. Why can it still not finish 'The landmark of Paris is the'?":
        "一个二元模型读完了整座图书馆。为什么它还是接不完 'The landmark of Paris is the'？",
    "The library is too small.": "图书馆太小。",
    "More text makes its counts more exact, but it still sees one word only.":
        "文本更多，次数就更准，但它看到的仍然只有一个词。",
    "It draws at random.": "它是随机抽词的。",
    "So do large models. Without drawing it would say the commonest word after 'the', no better.":
        "大模型也一样。不抽的话，它会说 'the' 后面最常见的词，也好不到哪里去。",
    "It sees only the last word, 'the'.": "它只看到最后一个词 'the'。",
    "Paris is out of its sight. To look further back one needs attention: lesson 03.":
        "Paris 在它的视野之外。要往前看得更远，就需要注意力：第 03 课。",
    "The temperature is lowered from 1 to 0.5. What happens to the distribution?": "温度从 1 降到 0.5。分布会怎样？",
    "Likely words become likelier, unlikely ones less likely.": "可能的词变得更可能，不太可能的词变得更不可能。",
    "Every difference of logits is doubled. The order stays.": "logit 之间的每个差都加倍。次序不变。",
    "The unlikely words are cut off.": "不太可能的词被砍掉。",
    "That is top-k or top-p. Temperature leaves every word a chance, if a small one.":
        "那是 top-k 或 top-p。温度给每个词都留有机会，哪怕很小。",
    "All words become equally likely.": "所有词变得同样可能。",
    "That is what a very high temperature does.": "那是温度非常高时的结果。",
    "A model has perplexity 10 on a text. What does that mean?": "一个模型在某段文本上的困惑度是 10。这是什么意思？",
    "It is wrong about every tenth word.": "每十个词它错一个。",
    "Perplexity counts no errors. It measures how likely the words that came were.":
        "困惑度不数错误。它衡量的是实际出现的词有多可能。",
    "It knows ten words.": "它认识十个词。",
    "It may know many more. A model that spread its guesses evenly over ten would reach 10 as well.":
        "它认识的可能多得多。一个总在十个词上平均下注的模型，困惑度也是 10。",
    "It is as unsure as if it chose among 10 equally likely words.": "它没把握的程度，相当于在 10 个同样可能的词里选一个。",
    "Each word costs it log(10) nats on average.": "平均每个词花掉它 log(10) 奈特。",
    "What would make a base model answer questions more often?": "怎样才能让基座模型更常回答问题？",
    "A lower temperature": "更低的温度",
    "It makes the likeliest continuation likelier. If that is a question back, there will be more of them.":
        "它让最可能的续写更可能。如果最可能的是反问，反问就更多了。",
    "A larger model": "更大的模型",
    "It would predict its texts better, and in those texts questions often stay without an answer.":
        "它会把自己的文本预测得更好，而在那些文本里，问题常常没有回答。",
    "Texts in which questions are answered": "其中问题得到回答的文本",
    "It continues as its texts do. Lesson 09 trains it on demonstrations: SFT.":
        "它按自己的文本那样续写。第 09 课用示范来训练它：SFT。",
}  # fmt: skip
TEXTS = WIDGETS | FIGURES | CHECKS | QUIZ
