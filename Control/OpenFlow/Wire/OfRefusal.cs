namespace Mergeflow.Control.OpenFlow;

/// <summary>A message that cannot be taken: becomes an OpenFlow error message.</summary>
/// <param name="error">Name of the error, e.g. <c>OFPBRC_BAD_LEN</c>: see <see cref="OfErrors"/>.</param>
/// <param name="message">What is wrong, for people.</param>
public sealed class OfRefusal(string error, string message) : Exception($"{error}: {message}")
{
    /// <summary>Name of the error.</summary>
    public string Error { get; } = error;
}
