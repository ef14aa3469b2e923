using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Mergeflow.Engine.OpenFlow;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <summary>The action set as written (OVS <c>ctx->action_set</c>), and where it leads.</summary>
internal sealed class ActionSet(XlateFlow flow)
{
    private readonly XlateFlow _flow = flow;
    private readonly List<XlateOp> _ops = [];
    private readonly Stack<List<XlateOp>> _spareLists = new();

    /// <summary>A group has been written, which wins over what is written behind it.</summary>
    public bool HasGroup { get; set; }

    public int Count => _ops.Count;

    /// <summary>The actions in the order in which they were written.</summary>
    public Span<XlateOp> Ops => CollectionsMarshal.AsSpan(_ops);

    /// <summary>Empties it (<c>clear_actions</c>).</summary>
    public void Clear()
    {
        _ops.Clear();
        HasGroup = false;
        SetOutput(OfPorts.Unset);
    }

    /// <summary>Writes actions (<c>write_actions</c>).</summary>
    public void Add(XlateOp[] ops)
    {
        foreach (XlateOp op in ops)
        {
            if (HasGroup) break;
            if (op.Kind == XlateOpKind.Output) SetOutput(op.Arg);
            if (op.Kind != XlateOpKind.Group) continue;
            SetOutput(OfPorts.Unset);
            HasGroup = true;
        }

        _ops.AddRange(ops);
    }

    /// <summary>A copy, for <see cref="Restore"/>.</summary>
    public XlateOp[] Copy() => _ops.Count == 0 ? [] : [.. _ops];

    /// <summary>Goes back to a copy.</summary>
    public void Restore(XlateOp[] ops)
    {
        _ops.Clear();
        _ops.AddRange(ops);
    }

    /// <summary>Takes the actions out in the order in which they are executed. The list goes back with <see cref="Return"/>.</summary>
    public List<XlateOp> Take()
    {
        List<XlateOp> list = _spareLists.Count > 0 ? _spareLists.Pop() : [];
        XlateCompiler.OrderActionSet(_ops, list);
        _ops.Clear();
        return list;
    }

    /// <summary>The actions as they would be executed now.</summary>
    public OfAction[] InOrder()
    {
        List<XlateOp> list = [];
        XlateCompiler.OrderActionSet(_ops, list);
        return [.. list.Select(static o => o.Action).OfType<OfAction>()];
    }

    /// <summary>A list of <see cref="Take"/> is done with.</summary>
    public void Return(List<XlateOp> list) => _spareLists.Push(list);

    /// <summary>Where the action set leads: the field is of OpenFlow 1.5 and has the wide numbers of reserved ports.</summary>
    private void SetOutput(uint port) => _flow.Write(L.ActsetOutput, L.Window4, BinaryPrimitives.ReverseEndianness(OfPorts.Widen(port)));
}
