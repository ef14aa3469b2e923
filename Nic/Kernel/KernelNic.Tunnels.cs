namespace Mergeflow.Nic;

/// <content>Rules that are more than a slot: outer headers, and several outputs.</content>
public sealed partial class KernelNic
{
    /// <summary>What the program is written for.</summary>
    private KernelFeatures _features;

    /// <summary>Frames for which there was a rule and that were left to software all the same, by the reason. From any thread.</summary>
    public ulong LeftFor(KernelLeft reason) => Volatile.Read(ref System.Runtime.InteropServices.MemoryMarshal.AsRef<ulong>(_memory.Control.Span[(KernelLayout.Left + (8 * (int)reason))..]));

    /// <summary>What the program of the rule's port cannot do, null = nothing: a frame of tc has its outer tag beside it, and one that has come by XDP cannot be copied.</summary>
    private string? UnlikeMode(FlowRule rule, CompiledRule compiled, KernelActions actions)
    {
        bool mayBeTc, mayBeXdp;
        lock (_sync)
        {
            // What was inside a tunnel has come in by some port.
            bool hasXdp = _ports.Values.Any(static p => p.Xdp is not null);
            bool isXdp = rule.Attr.IngressPort is { } port && _ports.TryGetValue(port, out KernelPort known) && known.Xdp is not null;
            (mayBeTc, mayBeXdp) = compiled.IsInside ? (IsTc, !IsTc || hasXdp) : (IsTc && !isXdp, !IsTc || isXdp);
        }

        if (actions.Next is not null && mayBeXdp) return "several outputs by XDP";
        if (!mayBeTc || mayBeXdp) return null;
        bool isTagged = rule.Pattern.Any(static i => i is FlowItemVlan);
        if (compiled.IsInside && actions.Encap is not null) return "tunnel_encap inside a tunnel by tc";
        if (compiled.IsInside && isTagged) return "tags inside a tunnel by tc";
        return actions.Encap is not null && isTagged && actions.TagChangeBytes >= 0 ? "tunnel_encap of tagged frames by tc" : null;
    }

    private FlowError? TakePlaces(KernelActions actions, out KernelPlaces places)
    {
        ushort header = 0;
        places = default;
        if (actions.Encap is { } encap && (header = _headers.Take(encap.Header)) == 0)
        {
            return new FlowError(FlowErrno.NoSpace, FlowErrorType.AttrGroup, $"all {KernelLayout.HeaderCount - 1} places for outer headers of the kernel's table are in use");
        }

        List<uint>? more = null;
        for (KernelActions? a = actions.Next; a is not null; a = a.Next)
        {
            uint slot = _table.TakeSlot();
            (more ??= []).Add(slot);
            if (slot != 0) continue;
            foreach (uint taken in more.SkipLast(1)) _table.GiveSlotBack(taken);
            return new FlowError(FlowErrno.NoSpace, FlowErrorType.AttrGroup, "the kernel's table is full");
        }

        places = new KernelPlaces(header, more?.ToArray());
        return null;
    }

    /// <summary>The rule is gone, and nobody is inside the program who could have found it.</summary>
    private void GivePlacesBack(Rule rule)
    {
        if (rule.Actions.Encap is { } encap) _headers.GiveBack(encap.Header);
        foreach (uint slot in rule.Places.More ?? []) _table.GiveSlotBack(slot);
    }

    /// <summary>What the rules that are there, or are to come, ask for.</summary>
    private KernelFeatures FeaturesOfRules()
    {
        KernelFeatures all = KernelFeatures.None;
        foreach (Rule? rule in _rules) all |= rule?.Actions.Features ?? KernelFeatures.None;
        return all;
    }
}
