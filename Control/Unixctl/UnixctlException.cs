namespace Mergeflow.Control;

/// <summary>What came is no message, or not one that is possible here; the connection ends.</summary>
/// <param name="message">One line.</param>
public sealed class UnixctlException(string message) : Exception(message);
