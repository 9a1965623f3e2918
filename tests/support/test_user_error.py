"""What is wrong with a user's file is said in a line that can be read, whatever the file holds."""

from snn_deploy.support.user_error import UserError


def test_a_long_message_keeps_where_it_was_and_what_to_do():
    said = str(UserError(f"mine.toml: steps {'a' * 10**6}\nallowed are whole numbers. Write steps = 4."))
    assert len(said) < 2100
    assert said.startswith("mine.toml: steps aaa")
    assert said.endswith(r"\nallowed are whole numbers. Write steps = 4.")


def test_a_message_of_usual_length_is_left_as_it_is():
    assert str(UserError("x" * 2000)) == "x" * 2000
