"""How the Chinese words of the translation task are read: pinyin, Chinese in Latin letters with a mark for each tone."""

PINYIN = {
    "汤姆": "Tāngmǔ", "杰瑞": "Jiéruì", "安娜": "Ānnà", "莉莉": "Lìlì", "杰克": "Jiékè", "艾玛": "Àimǎ", "彼得": "Bǐdé",
    "玛丽": "Mǎlì", "大卫": "Dàwèi", "露西": "Lùxī", "女孩": "nǚhái", "男孩": "nánhái", "老师": "lǎoshī", "学生": "xuésheng",
    "医生": "yīshēng", "孩子": "háizi", "朋友": "péngyou", "猫": "māo", "狗": "gǒu", "老鼠": "lǎoshǔ", "兔子": "tùzi",
    "鸟": "niǎo", "鸭子": "yāzi", "书": "shū", "信": "xìn", "报纸": "bàozhǐ", "苹果": "píngguǒ", "鸡蛋": "jīdàn",
    "蛋糕": "dàngāo", "帽子": "màozi", "雨伞": "yǔsǎn", "椅子": "yǐzi", "自行车": "zìxíngchē", "花": "huā", "汽车": "qìchē",
    "本": "běn", "封": "fēng", "份": "fèn", "个": "gè", "块": "kuài", "顶": "dǐng", "把": "bǎ", "辆": "liàng", "朵": "duǒ",
    "新": "xīn", "旧": "jiù", "老": "lǎo", "红": "hóng", "黑": "hēi", "白": "bái", "大": "dà", "小": "xiǎo",
    "聪明": "cōngming", "善良": "shànliáng", "勇敢": "yǒnggǎn", "快乐": "kuàilè", "年轻": "niánqīng", "高": "gāo",
    "快": "kuài", "忙": "máng", "强壮": "qiángzhuàng", "追逐": "zhuīzhú", "帮助": "bāngzhù", "跟随": "gēnsuí",
    "感谢": "gǎnxiè", "拥抱": "yōngbào", "画": "huà", "等": "děng", "找": "zhǎo", "看": "kàn", "买": "mǎi", "卖": "mài",
    "吃": "chī", "洗": "xǐ", "喜欢": "xǐhuan", "认识": "rènshi", "相信": "xiāngxìn", "想念": "xiǎngniàn", "去": "qù",
    "玩": "wán", "给": "gěi", "有": "yǒu", "公园": "gōngyuán", "花园": "huāyuán", "图书馆": "túshūguǎn", "厨房": "chúfáng",
    "市场": "shìchǎng", "博物馆": "bówùguǎn", "一": "yī", "两": "liǎng", "三": "sān", "每天": "měitiān", "早上": "zǎoshang",
    "晚上": "wǎnshang", "星期天": "xīngqītiān", "星期一": "xīngqīyī", "昨天": "zuótiān", "今天": "jīntiān",
    "明天": "míngtiān", "上周": "shàngzhōu", "下周": "xiàzhōu", "在": "zài", "的": "de", "了": "le", "会": "huì",
    "和": "hé", "吗": "ma", "谁": "shéi", "不": "bù", "没有": "méiyǒu", "什么": "shénme", "为什么": "wèishénme",
    "什么时候": "shénme shíhou", "哪里": "nǎlǐ", "这": "zhè", "那": "nà", "里": "lǐ", "比": "bǐ",
}  # fmt: skip
"""Every Chinese word that `tinyworld.translation` can write."""


def pinyin(chinese: str) -> str:
    """Write a Chinese sentence in Latin letters; words that are not in the table stay as they are.

    Example: "汤姆 追逐 杰瑞" -> "Tāngmǔ zhuīzhú Jiéruì".
    """
    return " ".join(PINYIN.get(word, word) for word in chinese.split())
