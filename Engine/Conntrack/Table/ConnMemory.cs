using Mergeflow.Native;

namespace Mergeflow.Engine.Conntrack;

/// <summary>The memory of one tracker: its parts reserve what they need, and all of it is given back at once.</summary>
internal sealed unsafe class ConnMemory : IDisposable
{
    private readonly List<PinnedBlock> _blocks = [];

    /// <summary>Memory reserved, in bytes.</summary>
    public ulong ReservedBytes
    {
        get
        {
            ulong sum = 0;
            foreach (PinnedBlock block in _blocks) sum += block.SizeBytes;
            return sum;
        }
    }

    /// <summary>Zeroed memory, on a boundary of 128 bytes. The system hands out its pages at first touch.</summary>
    public PinnedBlock Reserve(nuint sizeBytes, bool wantHugePages = true)
    {
        PinnedBlock block = PinnedMemory.Allocate(sizeBytes, alignBytes: 128, wantHugePages && sizeBytes >= PinnedMemory.HugePageSizeBytes);
        _blocks.Add(block);
        return block;
    }

    /// <summary>The same for <paramref name="count"/> values.</summary>
    public T* Reserve<T>(int count)
        where T : unmanaged
        => (T*)Reserve((nuint)count * (nuint)sizeof(T)).Pointer;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PinnedBlock block in _blocks) block.Dispose();
        _blocks.Clear();
    }
}
