using System.Runtime.InteropServices;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Lookup;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// A plain set of megaflows that own their programs: for tools and for tests of the merge, where no classifier is wanted.
/// </summary>
public sealed unsafe class MegaflowStore : IMegaflowSource, IDisposable
{
    private readonly Dictionary<int, Megaflow> _flows = [];

    /// <inheritdoc/>
    public Megaflow? Find(int id) => _flows.GetValueOrDefault(id);

    /// <summary>Adds (or replaces, with a new generation) megaflow <paramref name="id"/>; <paramref name="key"/> is masked here.</summary>
    public Megaflow Set(int id, uint generation, FlowKey key, FlowKey mask, params ReadOnlySpan<DpAction> program)
    {
        Remove(id);
        MegaflowHot* hot = (MegaflowHot*)NativeMemory.AlignedAlloc((nuint)sizeof(MegaflowHot), 64);
        *hot = default;
        hot->Id = id;
        hot->Generation = generation;
        hot->ActionCount = program.Length;
        hot->Actions = (DpAction*)NativeMemory.Alloc((nuint)Math.Max(1, program.Length), (nuint)sizeof(DpAction));
        program.CopyTo(new Span<DpAction>(hot->Actions, program.Length));
        Megaflow flow = new() { Id = id, Generation = generation, Rules = [], RecircIds = [], Hot = hot, Mask = mask };
        FlowKey.And(ref key, ref mask, ref flow.Value);
        _flows[id] = flow;
        return flow;
    }

    /// <summary>Deletes megaflow <paramref name="id"/> if it exists.</summary>
    public void Remove(int id)
    {
        if (!_flows.Remove(id, out Megaflow? flow)) return;
        flow.Dead = true;
        NativeMemory.Free(flow.Hot->Actions);
        NativeMemory.AlignedFree(flow.Hot);
        flow.Hot = null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (int id in _flows.Keys.ToArray()) Remove(id);
    }
}
