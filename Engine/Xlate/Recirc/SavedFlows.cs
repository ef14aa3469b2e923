using System.Runtime.InteropServices;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <summary>States that copies of the packet go back to: clones, buckets, branches; last in, first out.</summary>
internal sealed unsafe class SavedFlows(XlateFlow flow, TagModel tags, LabelStack labels, CtXlate conntrack) : IDisposable
{
    /// <summary>The four working copies, which stand together, and those of the flow alone.</summary>
    private const int AllBytes = 4 * L.StrideBytes;
    private const int FlowBytes = 2 * L.StrideBytes;

    private readonly XlateFlow _flow = flow;
    private readonly TagModel _tags = tags;
    private readonly LabelStack _labels = labels;
    private readonly CtXlate _conntrack = conntrack;
    private byte* _copies;
    private int _capacity;
    private int _count;
    private Saved[] _states = new Saved[16];

    /// <summary>Frees the copies if nobody disposed them.</summary>
    ~SavedFlows() => NativeMemory.AlignedFree(_copies);

    /// <summary>Forgets all.</summary>
    public void Begin() => _count = 0;

    /// <summary>Saves flow and base; returns the slot.</summary>
    public int Save()
    {
        if (_count == _capacity)
        {
            _capacity = Math.Max(8, 2 * _capacity);
            _copies = (byte*)NativeMemory.AlignedRealloc(_copies, (nuint)(_capacity * AllBytes), 64);
            Array.Resize(ref _states, Math.Max(_states.Length, _capacity));
        }

        int slot = _count++;
        Buffer.MemoryCopy(_flow.Current, _copies + (slot * AllBytes), AllBytes, AllBytes);
        _states[slot] = new Saved(_tags.Tags, _tags.BaseTags, _labels.WasMpls, _conntrack.State, _flow.IsDirty, _flow.Layers);
        return slot;
    }

    /// <summary>Rolls the flow back; the datapath's packet stays as the copy's actions left it, and is rewritten when it is used next.</summary>
    public void RestoreFlow(int slot)
    {
        CopyFlow(slot, FlowBytes);
        _flow.Layers.Type = _states[slot].Layers.Type;
        _flow.IsDirty = true;
        _count = slot;
    }

    /// <summary>Rolls flow and packet back: the copy's actions ran in a nested program.</summary>
    public void RestoreAll(int slot)
    {
        CopyAll(slot);
        _count = slot;
    }

    /// <summary>The same; the slot stays, for another copy.</summary>
    public void CopyAll(int slot)
    {
        CopyFlow(slot, AllBytes);
        _tags.BaseTags = _states[slot].BaseTags;
        _flow.IsDirty = _states[slot].IsDirty;
        _flow.Layers = _states[slot].Layers;
    }

    /// <summary>Headers have come in front of the packet or gone since: rewriting cannot undo that.</summary>
    public bool HasOtherLayers(int slot) => _flow.Layers.Changes != _states[slot].Layers.Changes;

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.AlignedFree(_copies);
        _copies = null;
        _capacity = 0;
        GC.SuppressFinalize(this);
    }

    private void CopyFlow(int slot, int sizeBytes)
    {
        Buffer.MemoryCopy(_copies + (slot * AllBytes), _flow.Current, sizeBytes, sizeBytes);
        (_tags.Tags, _labels.WasMpls, _conntrack.State) = (_states[slot].Tags, _states[slot].WasMpls, _states[slot].Tracked);
    }

    private readonly record struct Saved(TagStack Tags, TagStack BaseTags, bool WasMpls, TrackedState Tracked, bool IsDirty, PacketLayers Layers);
}
