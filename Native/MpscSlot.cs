namespace Mergeflow.Native;

/// <summary>A slot of <see cref="MpscRing{T}"/>.</summary>
internal struct MpscSlot<T>
    where T : unmanaged
{
    /// <summary>Whose turn it is: see the protocol of the ring.</summary>
    public long Turn;

    public T Record;
}
