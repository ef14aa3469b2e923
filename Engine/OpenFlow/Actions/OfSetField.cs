using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// <c>set_field:V[/M]-&gt;F</c>, <c>load:V-&gt;F[a..b]</c> and every <c>mod_*</c>: writes the bits of <paramref name="Mask"/>
/// of <paramref name="Field"/> (both right-aligned in the field). <paramref name="Spelling"/> keeps the text form for printing.
/// <c>mod_vlan_vid</c>/<c>mod_vlan_pcp</c> push a tag when there is none: <paramref name="PushVlanIfNeeded"/>.
/// </summary>
public sealed record OfSetField(Field Field, UInt128 Value, UInt128 Mask, OfSetSpelling Spelling, bool PushVlanIfNeeded = false) : OfAction;
