namespace Mergeflow.Nic;

/// <remarks>What only tests look at.</remarks>
internal sealed unsafe partial class ExactMatchTemplate
{
    /// <summary>Hash of what the mask leaves of a key: the slot is in its upper half, the tag in its lower half.</summary>
    internal ulong HashOf(ref NicKey key)
    {
        Quads masked = default;
        return MaskAndHash(ref key, ref masked);
    }
}
