"""What lessons share, in Chinese: English sentence -> its translation; places in braces are filled in later."""

TEXTS = {
    # checks
    "Not tried yet: replace the three dots, then run this cell again.": "还没动手：把三个点换成你的代码，再运行这个单元格。",
    "✓ Right.": "✓ 正确。",
    "Not yet: {fault}": "还不对：{fault}",
    "your function": "你的函数",
    "the check cannot read the result ({error}). Hint: return {kind}": "检查读不懂这个结果（{error}）。思路：请返回{kind}",
    "{call} stopped with {error}. Hint: {hint}": "{call} 中途停下，错误是 {error}。思路：{hint}",
    "{call} returned nothing. Hint: the function must end with `return` and the result":
        "{call} 什么也没有返回。思路：函数要以 `return` 加结果收尾",
    "{call} gave {shown}: the values are right, their type is not. Hint: {hint}":
        "{call} 得到 {shown}：数值对了，类型不对。思路：{hint}",
    "{call} gave {shown}, expected {wanted}. Hint: {hint}": "{call} 得到 {shown}，应为 {wanted}。思路：{hint}",
    "return True and False instead of 1 and 0": "请返回 True 和 False，而不是 1 和 0",
    "return numbers instead of True and False": "请返回数，而不是 True 和 False",
    "a number": "一个数",
    "True or False": "True 或 False",
    "a string": "一个字符串",
    "a dictionary": "一个字典",
    "a list": "一个列表",
    "a tensor of shape {which}": "一个形状为 {which} 的张量",
    "an object of type {which}": "一个 {which} 类型的对象",
    "Nothing to check: give the function itself, without brackets, under its name ({names}).":
        "没有可检查的东西：请给出函数本身，不带括号，并用它原来的名字（{names}）。",
    # quiz
    "✗ Not this one.": "✗ 不是这一项。",
    "Answer": "答案",
    "Answer {number} {letter}": "第 {number} 题选 {letter}",
    # progress
    "Your progress cannot be read: {error}. The lesson works all the same.": "读不出你的进度：{error}。课程照常可用。",
    "Your progress cannot be stored: {error}. The lesson works all the same.": "存不下你的进度：{error}。课程照常可用。",
    "Your progress in {name} cannot be understood, nor put aside: {error}.":
        "看不懂 {name} 里的进度，也无法把它另存：{error}。",
    "Your progress in {name} cannot be understood. It was kept as {aside}; a new file is begun.":
        "看不懂 {name} 里的进度。它已另存为 {aside}，并新建了一个文件。",
    "Run this cell to see which exercises and quizzes you have done.": "运行这个单元格，看看你完成了哪些练习和测验。",
    "lesson": "课",
    "exercises (✓ solved)": "练习（✓ 已做对）",
    "quiz": "测验",
    "{n} of {total} answered, {right} right": "已答 {n}/{total}，答对 {right}",
    # titles of lessons
    "Start here": "从这里开始",
    "Next-token prediction": "预测下一个词元",
    "Tokenization": "分词",
    "Seq2seq and attention": "Seq2seq 与注意力",
    "Transformer": "Transformer",
    "GPT": "GPT",
    "Pretraining": "预训练",
    "BERT and prompting": "BERT 与提示",
    "Instruction data": "指令数据",
    "Supervised fine-tuning": "监督微调",
    "Reward model": "奖励模型",
    "Policy gradients": "策略梯度",
    "PPO for language models": "语言模型的 PPO",
    "PPO-ptx": "PPO-ptx",
    "Evaluation": "评估",
    "Chat": "聊天",
    "Scaling up": "扩大规模",
    # answers of several models
    "(nothing)": "（什么也没有）",
    "prompt": "提示词",
    "base": "基座模型",
    "SFT": "SFT",
    "PPO": "PPO",
    "Answer [button]": "回答",
    "Prompt:": "提示词：",
    "Let the four models answer": "让四个模型来回答",
    "Run the cells above and this one to get a box: type a prompt, and all models answer it.":
        "运行上面的单元格和这一个，就会出现一个输入框：输入提示词，所有模型都来回答。",
    # figures
    "The figure in words": "图的文字说明",
    "Bars. {described}.": "条形图。{described}。",
    "Table, {title}. {described}.": "表，{title}。{described}。",
}  # fmt: skip
