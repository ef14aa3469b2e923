using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <summary>Headers that come in front of the packet, or go (OVS <c>commit_encap_decap_action</c>).</summary>
internal sealed unsafe class LayerCommitter(XlateContext context, LabelCommitter labels)
{
    private readonly XlateContext _context = context;
    private readonly XlateFlow _flow = context.Flow;
    private readonly LabelCommitter _labels = labels;

    /// <summary>Emits what makes the packet begin with what the flow begins with.</summary>
    public void Commit()
    {
        ref PacketLayers layers = ref _flow.Layers;
        bool isEncap = layers.IsEncapPending;
        layers.IsEncapPending = layers.IsDecapPending = false;
        if (isEncap && layers.Type == PacketLayers.Ethernet)
        {
            _flow.ConsultEthernet();
            ref DpSetEth eth = ref _context.Out.Add(DpOp.PushEth).Eth;
            (eth.Dst, eth.DstMask) = (_flow.Mac(L.DlDst, L.Window6), FlowWindows.Mac(L.Window6));
            (eth.Src, eth.SrcMask) = (_flow.Mac(L.DlSrc, L.Window6), FlowWindows.Mac(L.Window6));
            SettleAddresses();
            layers.BaseType = layers.ToldType = layers.Type;
        }
        else if (isEncap)
        {
            _labels.Commit(inFront: true);
            layers.BaseType = layers.Type;
        }
        else if (PacketLayers.IsBare(layers.Type) && layers.BaseType == PacketLayers.Ethernet)
        {
            _context.Out.Add(DpOp.PopEth);
            SettleAddresses();
            layers.BaseType = layers.ToldType = layers.Type;
        }
        else if (PacketLayers.IsMpls(layers.BaseType))
        {
            // Behind the last label is what the action has said. Without a label there is nothing behind it.
            int before = _context.Out.Count;
            _labels.Commit();
            if (_flow.IsMpls) layers.BaseType = PacketLayers.Of(_flow.DlType);
            else if (_context.Out.Count != before) layers.BaseType = _flow.DlType == EthType.TransparentEthernet ? PacketLayers.Ethernet : PacketLayers.Of(_flow.DlType);

            // Of the header that comes to light nothing is known, so nothing of it differs.
            if (layers.BaseType == PacketLayers.Ethernet) SettleAddresses();
        }
    }

    /// <summary>The packet has the flow's addresses.</summary>
    private void SettleAddresses()
    {
        const int bytes = 2 * 6;
        Buffer.MemoryCopy(_flow.Current + L.DlDst, _flow.Base + L.DlDst, bytes, bytes);
        new Span<byte>(_flow.BaseLive + L.DlDst, bytes).Clear();
    }
}
