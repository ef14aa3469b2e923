using System.Buffers.Binary;
using Mergeflow.Engine.Keys;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <summary><c>encap</c> and <c>decap</c>: the flow begins with another header (OVS <c>xlate_generic_encap_action</c>, <c>xlate_generic_decap_action</c>).</summary>
internal sealed class LayerXlate(XlateContext context, Committer committer, LabelStack labels)
{
    private const string Unsupported = "Unsupported packet type";

    private readonly XlateContext _context = context;
    private readonly XlateFlow _flow = context.Flow;
    private readonly Committer _committer = committer;
    private readonly LabelStack _labels = labels;

    /// <summary>A header of this type is put in front; the packet gets it when it is used next.</summary>
    public void Encap(uint type)
    {
        _committer.Commit();
        if (type == PacketLayers.Ethernet) EncapEthernet();
        else EncapMpls(type);
    }

    /// <summary>The outermost header goes. True if what is behind it has to be parsed before anything looks at it.</summary>
    /// <param name="next">What is behind it, for a header that does not say so.</param>
    public bool Decap(uint next)
    {
        _committer.Commit();
        uint type = _flow.Layers.Type;
        if (type == PacketLayers.Ethernet)
        {
            DecapEthernet();
            return false;
        }

        if (PacketLayers.IsMpls(type)) return DecapMpls(next);
        _context.Fail(Unsupported, $"Dropping packet as the decap() does not support packet type ({type >> 16},0x{type & 0xffff:x})");
        return false;
    }

    private void EncapEthernet()
    {
        if (!PacketLayers.IsBare(_flow.Layers.Type))
        {
            _context.Fail(Unsupported, "Dropping packet as encap(ethernet) is not supported for packet type ethernet.");
            return;
        }

        SetDlType((ushort)_flow.Layers.Type);
        Begin(PacketLayers.Ethernet);
        _flow.Layers.IsEncapPending = true;
    }

    private void EncapMpls(uint type)
    {
        if (!_labels.Add((ushort)type)) return;
        Begin(type);
        _flow.Layers.IsEncapPending = true;
        if (!_context.Pipeline.AddsLabels) _context.Out.SlowPath = _context.Out.IsSlowByOrder = true;
    }

    private void DecapEthernet()
    {
        // Open vSwitch does not note that it has looked.
        if (_flow.ConsultVlanPresent())
        {
            _context.Fail(Unsupported, "Dropping packet, cannot decap Ethernet if VLAN is present.");
            return;
        }

        Begin(PacketLayers.Of(_flow.DlType));
    }

    private bool DecapMpls(uint next)
    {
        ushort etherType = (ushort)next;
        if (etherType == 0) etherType = EthType.TransparentEthernet;
        int count = _labels.PopOne(etherType);
        if (count < 0) return false;
        _flow.Layers.Type = next;
        if (count == 0) return false;
        _flow.Layers.Changes++;
        _flow.Layers.IsDecapPending = _flow.IsDirty = true;
        if (!_context.Pipeline.AddsLabels) _context.Out.SlowPath = _context.Out.IsSlowByOrder = true;
        return count == 1;
    }

    /// <summary>The flow begins with a header of this type, and has no addresses yet or no more.</summary>
    private void Begin(uint type)
    {
        _flow.Layers.Type = type;
        _flow.Layers.Changes++;
        _flow.Write(L.DlDst, L.Window6, 0);
        _flow.Write(L.DlSrc, L.Window6, 0);
        _flow.IsDirty = true;
    }

    private void SetDlType(ushort etherType) => _flow.Write(L.DlType, L.Window2, BinaryPrimitives.ReverseEndianness(etherType));
}
