namespace Mergeflow.Engine.Offload;

/// <remarks>What only tests look at.</remarks>
public sealed partial class ConnEventRing
{
    /// <summary>For tests: an empty ring that has seen so many entries (modulo 2^32).</summary>
    internal void StartAt(uint position) => _head = _tail = position;
}
