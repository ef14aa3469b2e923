namespace Mergeflow.Control.Ovsdb;

/// <summary>The database server said what is no message, or refused something without which nothing goes on; the connection ends.</summary>
/// <param name="message">What is wrong; it becomes one line, whatever the server has put into it.</param>
public sealed class OvsdbException(string message) : Exception(OneLine(message))
{
    private static string OneLine(string message) => string.Create(message.Length, message, static (line, text) =>
    {
        for (int i = 0; i < text.Length; i++) line[i] = char.IsControl(text[i]) || text[i] is '\u2028' or '\u2029' ? ' ' : text[i];
    });
}
