namespace Mergeflow.PropertyTests;

/// <summary>What a protocol forbids has happened.</summary>
internal sealed class LitmusViolation(string message) : Exception(message)
{
    /// <summary>Throws unless <paramref name="condition"/> holds.</summary>
    public static void Unless(bool condition, string message)
    {
        if (!condition) throw new LitmusViolation(message);
    }
}
