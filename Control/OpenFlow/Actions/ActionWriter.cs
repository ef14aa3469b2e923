namespace Mergeflow.Control.OpenFlow;

/// <summary>Writes actions as Open vSwitch does (<c>ofpacts_put_openflow_actions</c>); instructions are not written.</summary>
internal static partial class ActionWriter
{
    /// <summary>Writes the actions of a list, one behind the other.</summary>
    public static void Write(OfWriter w, IReadOnlyList<OfAction> actions)
    {
        foreach (OfAction action in actions) Write(w, action);
    }

    /// <summary>Writes one.</summary>
    public static void Write(OfWriter w, OfAction action)
    {
        switch (action)
        {
            case OfSetField a:
                SetFieldWriter.Write(w, a);
                break;
            case OfSetTunnel a when w.Version >= OfVersion.V12:
                SetFieldWriter.Whole(w, FieldId.TunId, a.TunnelId);
                break;
            case OfCt a:
                WriteCt(w, a);
                break;
            case OfLearn a:
                LearnWriter.Write(w, a);
                break;
            case OfClone a:
                Nicira(w, 42, a.Actions, static (w, actions) =>
                {
                    w.Zeros(6);
                    Write(w, actions);
                });
                break;
            default:
                if (!WriteStandard(w, action)) WriteNicira(w, action);
                break;
        }
    }

    /// <summary>An action of the standard.</summary>
    internal static void Standard<T>(OfWriter w, ushort type, T state, Action<OfWriter, T>? body = null)
    {
        int start = w.Length;
        w.U16(type);
        w.U16(0);
        body?.Invoke(w, state);
        w.PadTo8(start);
        w.PatchLength(start + 2, start);
    }

    /// <summary>An action of Nicira's.</summary>
    internal static void Nicira<T>(OfWriter w, ushort subtype, T state, Action<OfWriter, T>? body = null)
    {
        int start = w.Length;
        w.U16(ActionReader.VendorType);
        w.U16(0);
        w.U32(ActionReader.NiciraVendor);
        w.U16(subtype);
        body?.Invoke(w, state);
        w.PadTo8(start);
        w.PatchLength(start + 2, start);
    }

    internal static void Nicira(OfWriter w, ushort subtype) => Nicira(w, subtype, 0);

    /// <summary>A field's header of 32 bits; that of NXM.</summary>
    internal static uint Header(Field field)
    {
        OxmField row = OxmFields.Of(field.Id, 0) ?? throw new OfRefusal("OFPBAC_BAD_SET_TYPE", $"field {field.Name} has no form on the wire");
        return ((uint)row.Class << 16) | ((uint)row.Number << 9) | (uint)SizeOf(field);
    }

    /// <summary>A field's header in 4 or 8 bytes; <paramref name="version"/> 0 = that of NXM.</summary>
    internal static void PutHeader(OfWriter w, Field field, OfVersion version)
        => (OxmFields.Of(field.Id, version) ?? throw new OfRefusal("OFPBAC_BAD_SET_TYPE", $"field {field.Name} has no form on the wire")).Write(w, false, field.Id == FieldId.TunMetadata0 && w.OptionHeaderBytes > 0 ? w.OptionHeaderBytes : SizeOf(field));

    internal static ushort Range(Subfield s) => (ushort)((s.Start << 6) | (s.BitCount - 1));

    private static int SizeOf(Field field) => field.Id == FieldId.TunMetadata0 ? 124 : OxmFields.SizeBytes(field);
}
