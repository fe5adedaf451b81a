"""What the hosts of a fleet ask together."""

import threading
from collections.abc import Callable
from typing import Any, cast

import pytest

from nbfab.fleet.questions import FromThreads, Questions
from nbfab.user import Console


class Someone:
    """Answers, and counts the questions."""

    def __init__(self, answer: bool) -> None:
        self.answer, self.asked = answer, list[str]()

    def confirms(self, question: str) -> bool:
        self.asked.append(question)
        return self.answer


class AtOnce(Questions):
    """Puts each question where it comes up."""

    def __call__(self, question: Callable[[], Any]) -> Any:
        return question()


@pytest.mark.parametrize("answer", [True, False])
def test_what_concerns_all_hosts_is_asked_once_and_the_answer_is_that_of_all(answer: bool) -> None:
    someone = Someone(answer)
    console = FromThreads(cast(Console, someone), AtOnce())
    answers: list[bool] = []
    threads = [threading.Thread(target=lambda: answers.append(console.allows("Lend?"))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert answers == [answer] * 20
    assert someone.asked == ["Lend?"]
    assert console.allows("Another?") is answer
    assert someone.asked == ["Lend?", "Another?"]
