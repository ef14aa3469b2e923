namespace Mergeflow.Native;

/// <remarks>What only tests look at.</remarks>
public static unsafe partial class KeyedHash
{
    /// <inheritdoc cref="Hash(ReadOnlySpan{byte}, ulong)"/>
    /// <typeparam name="TRound">Which implementation of the AES round.</typeparam>
    public static ulong Hash<TRound>(ReadOnlySpan<byte> bytes, ulong basis = 0)
        where TRound : struct, IAesRound
    {
        CheckLength(bytes.Length);
        fixed (byte* p = bytes) return HashLanes<TRound>(p, bytes.Length / LaneSizeBytes, basis);
    }
}
