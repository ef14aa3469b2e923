namespace Mergeflow.Native;

/// <remarks>What only tests look at.</remarks>
public sealed unsafe partial class PinnedBlock
{
    /// <summary>First byte as a number, for code that may not hold pointers.</summary>
    public nuint Address => (nuint)Pointer;

    /// <summary>The first 2 GiB of the block, bounds-checked. The span must not outlive the block.</summary>
    /// <exception cref="ObjectDisposedException">The block has been disposed.</exception>
    public Span<byte> Span
    {
        get
        {
            ObjectDisposedException.ThrowIf(Pointer == null, this);
            return new Span<byte>(Pointer, (int)nuint.Min(SizeBytes, int.MaxValue));
        }
    }
}
