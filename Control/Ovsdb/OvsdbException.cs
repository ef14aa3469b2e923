namespace Mergeflow.Control.Ovsdb;

/// <summary>The database server said what is no message, or refused something without which nothing goes on; the connection ends.</summary>
/// <param name="message">One line.</param>
public sealed class OvsdbException(string message) : Exception(message);
