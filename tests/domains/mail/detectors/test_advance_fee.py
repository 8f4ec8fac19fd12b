"""advance_fee: letters of many languages, and honest mail with some of the words."""

import pytest

from tests.domains.mail.builders import address, ask, mail, odds_of
from wardline.domains.mail.detectors.advance_fee import AdvanceFee
from wardline.domains.mail.lexicon import load

LETTERS = {
    "en": "Dear friend, this may come to you as a surprise. I am the bank auditor of our branch. A late client died without next of kin and left 12.5 million US$. "
    "I want you to stand as the beneficiary; 40% of the sum is your share. Keep this confidential and send your full name and bank account details.",
    "de": "Dies mag Sie überraschen. Ich bin Bankdirektor. Ein verstorbener Kunde hinterließ eine Erbschaft von 9 Millionen Euro ohne Erben. Sie sollen als Begünstigter auftreten, streng vertraulich.",
    "fr": "Ma proposition va peut-être vous surprendre, mais elle est strictement confidentielle. Veuve et atteinte d'un cancer en phase terminale, je veux faire un don de 3 millions d'euros. Envoyez vos coordonnées bancaires, vous serez le bénéficiaire.",
    "es": "Soy gerente de banco. Un cliente fallecido dejó 8 millones sin herederos. Propuesta de negocio estrictamente confidencial: usted será el beneficiario. Envíe sus datos bancarios.",
    "pt": "Sou gerente do banco. Um cliente falecido deixou 8 milhões sem herdeiros. Esta proposta de negócio é estritamente confidencial; você será o beneficiário.",
    "it": "Sono direttore di banca; un cliente deceduto senza eredi. Una proposta commerciale strettamente confidenziale: lei sarà il beneficiario di 5 milioni.",
    "nl": "Een overleden cliënt zonder erfgenaam liet een erfenis na. U bent de begunstigde; dit zakelijk voorstel is strikt vertrouwelijk. Stuur uw bankgegevens.",
    "pl": "Jestem adwokatem, zmarły klient bez spadkobierców. Propozycja biznesowa jest ściśle poufne, beneficjent otrzyma 5 mln. Proszę podać dane bankowe.",
    "ru": "Я адвокат покойного клиента, наследство без наследников составляет 5 миллионов. Это строго конфиденциально, деловое предложение. Пришлите банковские реквизиты.",
    "tr": "Ben banka müdürü. Ölen müşteri mirasçısı yok, miras fonu. Bu iş teklifi kesinlikle gizli, lehtar siz olacaksınız.",
    "zh": "我是银行经理。我们已故客户的遗产无人继承。请您作为受益人，严格保密，并提供银行账户信息。",
    "ja": "私は銀行の支配人です。亡くなった顧客の遺産には相続人がいません。受益者になってください。極秘でお願いします。",
    "ko": "저는 은행 지점장입니다. 사망한 고객의 유산 상속 문제로 수혜자가 되어 주십시오. 극비 사항입니다.",
    "ar": "أنا مدير البنك. العميل المتوفى ترك الميراث وتريد أن تكون المستفيد. الأمر سري للغاية. أرسل اسمك الكامل",
}


@pytest.mark.parametrize("language", sorted(LETTERS))
def test_letters_of_all_languages(language: str) -> None:
    message = mail(subject="Proposal", text=LETTERS[language], sender=address("mr.smith@gmail.com", "Mr Smith"))
    assert odds_of(AdvanceFee(), message) > 0.75


def test_the_lexicon_knows_at_least_fourteen_languages() -> None:
    assert load("advance_fee").languages >= set(LETTERS)


def test_a_lottery() -> None:
    text = "Congratulations, you have won the sum of US$ 1,500,000.00 in the email ballot lottery. Contact our claims agent with your full name and telephone."
    assert odds_of(AdvanceFee(), mail(text=text)) > 0.75


@pytest.mark.parametrize(
    "text",
    [
        "Are you available? I am in a meeting. Buy gift cards for a client and send me the codes.",
        "Official giveaway: send any amount of bitcoin and get twice the amount back.",
        "We offer loans to 5,000,000 USD without credit check. Apply with your full name and address.",
    ],
)
def test_other_stories(text: str) -> None:
    assert odds_of(AdvanceFee(), mail(text=text)) > 0.62


@pytest.mark.parametrize(
    "text",
    [
        "Are you available on Tuesday? I am in a meeting until ten, call my mobile.",
        "The winners of the survey get gift cards; bitcoin is not accepted.",
        "The emergency form asks for a next of kin and your full name and address.",
        "As the beneficiary of the insurance you will get the policy by post.",
        "Our company won a contract of 12 million USD. The chairman is pleased.",
        "The lottery of the school fair takes place on Sunday; the lucky winner gets a bicycle.",
        "Mein Onkel ist gestorben, die Erbschaft regelt der Notar.",
        "In the news: a barrister was found guilty, the court spoke of western union transfers.",
    ],
)
def test_honest(text: str) -> None:
    assert ask(AdvanceFee(), mail(text=text)).score is None


def test_a_list_that_talks_about_such_letters_is_treated_more_kindly() -> None:
    listed = mail(text=LETTERS["nl"], headers=(("List-Id", "<abuse.example.org>"),))
    assert odds_of(AdvanceFee(), listed) < odds_of(AdvanceFee(), mail(text=LETTERS["nl"]))


def test_the_score_is_never_certainty() -> None:
    assert odds_of(AdvanceFee(), mail(text=" ".join(LETTERS.values()))) < 0.995
